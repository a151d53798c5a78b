// Files for the data tests: temporary ones with given bytes, and those of the shared folder.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gradus::test {

// A file with the given bytes that lives as long as this.
class TempFile {
 public:
  explicit TempFile(std::string_view bytes, const std::string& suffix = ".txt");
  ~TempFile();
  TempFile(const TempFile&) = delete;
  TempFile& operator=(const TempFile&) = delete;

  const std::string& path() const { return path_; }
  // The text of an error about this file: "path" and what follows.
  std::string error(const std::string& rest) const { return path_ + rest; }

 private:
  std::string path_;
};

std::string gzipped(std::string_view bytes);

// A path below the folder that an environment variable names, if it is there.
std::optional<std::string> find_file(const char* variable, const std::string& path);
std::optional<std::string> shared_file(const std::string& path);

}  // namespace gradus::test
