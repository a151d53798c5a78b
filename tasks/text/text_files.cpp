#include "tasks/text/text_files.h"

#include <glob.h>

#include <algorithm>
#include <filesystem>

#include "core/error.h"

namespace gradus {
namespace {

namespace fs = std::filesystem;

std::vector<TextFile> files_below(const fs::path& folder) {
  std::vector<TextFile> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file() && !entry.path().filename().string().starts_with('.'))
      files.push_back({entry.path().string(), entry.path().lexically_relative(folder).string()});
  }
  std::ranges::sort(files, {}, &TextFile::path);
  return files;
}

std::vector<TextFile> matches(const std::string& pattern) {
  glob_t found{};
  const int status = glob(pattern.c_str(), 0, nullptr, &found);
  std::vector<TextFile> files;
  for (size_t i = 0; status == 0 && i < found.gl_pathc; ++i)
    files.push_back({found.gl_pathv[i], fs::path(found.gl_pathv[i]).filename().string()});
  globfree(&found);
  return files;
}

std::vector<TextFile> named_by(const std::string& name, const std::string& option) {
  if (fs::is_regular_file(name)) return {{name, fs::path(name).filename()}};
  const bool is_folder = fs::is_directory(name);
  std::vector<TextFile> files = is_folder ? files_below(name) : matches(name);
  if (files.empty() && is_folder) fail("{}: no file in {}", option, name);
  check(!files.empty(), "{}: no file '{}'", option, name);
  return files;
}

}  // namespace

std::vector<TextFile> find_text_files(const std::vector<std::string>& names, const std::string& option) {
  std::vector<TextFile> files;
  for (const std::string& name : names) {
    const std::vector<TextFile> more = named_by(name, option);
    files.insert(files.end(), more.begin(), more.end());
  }
  return files;
}

}  // namespace gradus
