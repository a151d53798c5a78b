// Files for the data tests: temporary ones with given bytes, and those of the shared folder.
#pragma once

#include <unistd.h>
#include <zlib.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>

namespace gradus::test {

// A file with the given bytes that lives as long as this.
class TempFile {
 public:
  explicit TempFile(std::string_view bytes, const std::string& suffix = ".txt") {
    static int count = 0;
    path_ = (std::filesystem::temp_directory_path() /
             ("gradus_" + std::to_string(getpid()) + "_" + std::to_string(count++) + suffix))
                .string();
    std::ofstream(path_, std::ios::binary) << bytes;
  }
  ~TempFile() { std::filesystem::remove(path_); }
  TempFile(const TempFile&) = delete;
  TempFile& operator=(const TempFile&) = delete;

  const std::string& path() const { return path_; }
  // The text of an error about this file: "path" and what follows.
  std::string error(const std::string& rest) const { return path_ + rest; }

 private:
  std::string path_;
};

inline std::string gzipped(std::string_view bytes) {
  const TempFile file("", ".gz");
  gzFile out = gzopen(file.path().c_str(), "wb");
  gzwrite(out, bytes.data(), static_cast<unsigned>(bytes.size()));
  gzclose(out);
  std::ifstream in(file.path(), std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// A path below the folder that an environment variable names, if it is there.
inline std::optional<std::string> find_file(const char* variable, const std::string& path) {
  const char* folder = std::getenv(variable);
  if (folder == nullptr) return std::nullopt;
  const std::filesystem::path file = std::filesystem::path(folder) / path;
  if (!std::filesystem::exists(file)) return std::nullopt;
  return file.string();
}
inline std::optional<std::string> shared_file(const std::string& path) {
  return find_file("GRADUS_SHARED", "data/" + path);
}

}  // namespace gradus::test
