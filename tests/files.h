// Files of tests: those shared with other projects that results are compared with, and small helpers.
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
