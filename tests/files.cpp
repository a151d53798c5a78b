#include "tests/files.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <utility>

#include "tests/places.h"

namespace gradus {

namespace fs = std::filesystem;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

fs::path shared_folder(const std::string& below) {
  const fs::path root = place("GRADUS_SHARED");
  if (root.empty() || !fs::is_directory(root / below)) {
    MESSAGE("skipped: GRADUS_SHARED has no folder " << below);
    return {};
  }
  return root / below;
}

fs::path source_file(const std::string& below) {
  const fs::path folder = place("GRADUS_SOURCE");
  REQUIRE_MESSAGE(!folder.empty(), "the project's folder is not where it was built: GRADUS_SOURCE names it");
  return folder / below;
}

std::string file_content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE_MESSAGE(file.good(), path.string());
  std::ostringstream content;
  content << file.rdbuf();
  return std::move(content).str();
}

void write_file(const fs::path& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary);
  file << content;
  REQUIRE_MESSAGE(file.flush().good(), path.string());
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

std::map<std::string, std::string> contents_of(const fs::path& folder) {
  const auto content_of = [](const fs::path& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    REQUIRE_MESSAGE(file >= 0, path.string());
    std::string content;
    off_t end = 0;
    for (off_t begin = 0; (begin = ::lseek(file, end, SEEK_DATA)) >= 0;) {
      end = ::lseek(file, begin, SEEK_HOLE);
      std::string bytes(static_cast<size_t>(end - begin), '\0');
      REQUIRE(::pread(file, bytes.data(), bytes.size(), begin) == static_cast<ssize_t>(bytes.size()));
      content += fmt::format("{}+{}:", begin, bytes.size()) + bytes;
    }
    ::close(file);
    return content + fmt::format("{}", fs::file_size(path));
  };
  std::map<std::string, std::string> contents;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string name = entry.path().lexically_relative(folder).string();
    if (entry.is_symlink()) contents[name] = "-> " + fs::read_symlink(entry.path()).string();
    else if (entry.is_regular_file()) contents[name] = content_of(entry.path());
  }
  return contents;
}

TemporaryFolder::TemporaryFolder() {
  std::string name = (fs::temp_directory_path() / "gradus-test-XXXXXX").string();
  REQUIRE(mkdtemp(name.data()) != nullptr);
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::string TemporaryFolder::write(const std::string& name, const std::string& content) const {
  write_file(path_ / name, content);
  return (path_ / name).string();
}

}  // namespace gradus
