// Files of tests: those shared with other projects that results are compared with, and small helpers.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <concepts>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "core/error.h"

namespace gradus {

// What an Error that `call` throws says; empty when it throws none.
template <std::invocable Call>
std::string error_of(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// The folder `below` the shared files, empty where there are none: a test then says so and returns.
inline std::filesystem::path shared_folder(const std::string& below) {
  const char* root = std::getenv("GRADUS_SHARED");
  if (root == nullptr || !std::filesystem::is_directory(std::filesystem::path(root) / below)) {
    MESSAGE("skipped: GRADUS_SHARED has no folder " << below);
    return {};
  }
  return std::filesystem::path(root) / below;
}

// A file of the project's own, its tests' golden values for one.
inline std::filesystem::path source_file(const std::string& below) {
  const char* folder = std::getenv("GRADUS_SOURCE");
  REQUIRE_MESSAGE(folder != nullptr, "GRADUS_SOURCE is not set: expected the project's folder");
  return std::filesystem::path(folder) / below;
}

inline std::string file_content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE_MESSAGE(file.good(), path.string());
  std::ostringstream content;
  content << file.rdbuf();
  return std::move(content).str();
}

// The names of what lies in a folder, in order.
inline std::vector<std::string> names_in(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

inline void write_file(const std::filesystem::path& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary);
  file << content;
  REQUIRE_MESSAGE(file.flush().good(), path.string());
}

// The bytes of all files below a folder, and where links lead, by their paths in it. Holes are left out, but where they
// are is told: a MindRecord file is 48 MiB of them.
inline std::map<std::string, std::string> contents_of(const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
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

// A folder for the files of one test, removed with everything in it at its end.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "gradus-test-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  // Writes a file and returns its whole path.
  std::string write(const std::string& name, const std::string& content) const {
    write_file(path_ / name, content);
    return (path_ / name).string();
  }

 private:
  std::filesystem::path path_;
};

}  // namespace gradus
