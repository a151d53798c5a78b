// The files shared with other projects that tests compare with, and small file helpers.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace gradus {

// The folder `below` the shared files, empty where there are none: a test then says so and returns.
inline std::filesystem::path shared_folder(const std::string& below) {
  const char* root = std::getenv("GRADUS_SHARED");
  if (root == nullptr || !std::filesystem::is_directory(std::filesystem::path(root) / below)) {
    MESSAGE("skipped: GRADUS_SHARED has no folder " << below);
    return {};
  }
  return std::filesystem::path(root) / below;
}

inline std::string file_content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE_MESSAGE(file.good(), path.string());
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_file(const std::filesystem::path& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary);
  file << content;
  REQUIRE_MESSAGE(file.flush().good(), path.string());
}

// A new folder, removed with everything in it at the end of the test.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "gradus-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace gradus
