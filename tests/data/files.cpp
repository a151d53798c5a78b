#include "tests/data/files.h"

#include <unistd.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>

#include "tests/places.h"

namespace gradus::test {

TempFile::TempFile(std::string_view bytes, const std::string& suffix) {
  static int count = 0;
  path_ = (std::filesystem::temp_directory_path() /
           ("gradus_" + std::to_string(getpid()) + "_" + std::to_string(count++) + suffix))
              .string();
  std::ofstream(path_, std::ios::binary) << bytes;
}

TempFile::~TempFile() { std::filesystem::remove(path_); }

std::string gzipped(std::string_view bytes) {
  const TempFile file("", ".gz");
  gzFile out = gzopen(file.path().c_str(), "wb");
  gzwrite(out, bytes.data(), static_cast<unsigned>(bytes.size()));
  gzclose(out);
  std::ifstream in(file.path(), std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::optional<std::string> find_file(const char* variable, const std::string& path) {
  const std::filesystem::path folder = place(variable);
  if (folder.empty()) return std::nullopt;
  const std::filesystem::path file = folder / path;
  if (!std::filesystem::exists(file)) return std::nullopt;
  return file.string();
}

std::optional<std::string> shared_file(const std::string& path) {
  return find_file("GRADUS_SHARED", "data/" + path);
}

}  // namespace gradus::test
