#include "core/io/hub_folder.h"

#include <algorithm>
#include <filesystem>
#include <vector>

#include "core/error.h"
#include "core/io/files.h"
#include "core/joined.h"

namespace gradus {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> folders_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.is_directory()) names.push_back(entry.path().filename().string());
  }
  std::ranges::sort(names);
  return names;
}

// A commit's number, without the blanks around it.
std::string read_reference(const fs::path& path) {
  constexpr size_t most = 4096;
  const std::string text = read_file(path, most);
  const size_t begin = text.find_first_not_of(" \t\r\n"), end = text.find_last_not_of(" \t\r\n");
  const std::string name = begin == std::string::npos ? "" : text.substr(begin, end + 1 - begin);
  check(!name.empty() && name.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos,
        "{}: '{}', expected the hexadecimal number of a commit", path.string(), name.substr(0, 100));
  return name;
}

}  // namespace

std::string hub_snapshot(const std::string& path) {
  std::error_code ignored;
  const fs::path folder = path, snapshots = folder / "snapshots", reference = folder / "refs/main";
  if (!fs::is_directory(snapshots, ignored) || fs::exists(folder / "config.json", ignored)) return path;
  const std::vector<std::string> names = folders_in(snapshots);
  if (!fs::exists(reference, ignored)) {
    check(names.size() == 1, "{}: no refs/main, and {} snapshots: name one of them{}{}", path, names.size(),
          names.empty() ? "" : ": ", joined(names, ", "));
    return (snapshots / names[0]).string();
  }
  const std::string name = read_reference(reference);
  check(std::ranges::find(names, name) != names.end(),
        "{}: refs/main names the snapshot {}, which is not there: download the model again, or name one of "
        "these: {}",
        path, name, names.empty() ? "none" : fmt::format("{}", joined(names, ", ")));
  return (snapshots / name).string();
}

}  // namespace gradus
