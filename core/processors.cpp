#include "core/processors.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <string_view>

namespace gradus {
namespace {

constexpr double unlimited = std::numeric_limits<double>::infinity();

// What `quota` microseconds of processor time in each `period` are in processors. Both versions say "none" by what is not a
// positive number: "max" and -1.
double processors_of(std::istream& quota, std::istream& period) {
  int64_t time = 0, of = 0;
  if (!(quota >> time) || !(period >> of) || time <= 0 || of <= 0) return unlimited;
  return static_cast<double>(time) / static_cast<double>(of);
}

double quota_of_folder(const std::filesystem::path& folder, bool unified) {
  if (unified) {
    std::ifstream both(folder / "cpu.max");
    return processors_of(both, both);
  }
  std::ifstream quota(folder / "cpu.cfs_quota_us"), period(folder / "cpu.cfs_period_us");
  return processors_of(quota, period);
}

double memory_of_folder(const std::filesystem::path& folder, bool unified) {
  std::ifstream file(folder / (unified ? "memory.max" : "memory.limit_in_bytes"));
  int64_t bytes = 0;
  return file >> bytes && bytes > 0 ? static_cast<double>(bytes) : unlimited;
}

using Limit = double (*)(const std::filesystem::path& folder, bool unified);

// Of a group and all above it. A container may see its own group as the top of the tree and yet be told its path from the
// outside: then only the top is found.
double limit_of_path(const std::filesystem::path& mount, const std::filesystem::path& group, bool unified,
                     Limit limit) {
  double least = unlimited;
  for (std::filesystem::path path = group.lexically_normal().relative_path();; path = path.parent_path()) {
    least = std::min(least, limit(mount / path, unified));
    if (path.empty()) return least;
  }
}

bool names(std::string_view controllers, std::string_view controller) {
  for (;;) {
    const size_t comma = controllers.find(',');
    if (controllers.substr(0, comma) == controller) return true;
    if (comma == std::string_view::npos) return false;
    controllers.remove_prefix(comma + 1);
  }
}

// The least of the limits of this process's groups.
double least_limit(const std::filesystem::path& root, std::string_view controller, Limit limit) {
  const std::filesystem::path mounts = root / "sys/fs/cgroup";
  double least = unlimited;
  std::ifstream groups(root / "proc/self/cgroup");
  // A line is a number, the controllers, and the group: "4:cpu,cpuacct:/user", and "0::/user" for version 2.
  for (std::string line; std::getline(groups, line);) {
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string group = line.substr(second + 1);
    if (controllers.empty()) {
      least = std::min(least, limit_of_path(mounts, group, true, limit));
      // Where both versions are in use.
      least = std::min(least, limit_of_path(mounts / "unified", group, true, limit));
    } else if (names(controllers, controller)) {
      least = std::min(least, limit_of_path(mounts / controllers, group, false, limit));
      least = std::min(least, limit_of_path(mounts / controller, group, false, limit));
    }
  }
  return least;
}

}  // namespace

double processor_quota(const std::string& root) { return least_limit(root, "cpu", quota_of_folder); }

int64_t usable_memory(const std::string& root) {
  const int64_t machine = int64_t{::sysconf(_SC_PHYS_PAGES)} * ::sysconf(_SC_PAGESIZE);
  const double limit = least_limit(root, "memory", memory_of_folder);
  return limit < static_cast<double>(machine) ? static_cast<int64_t>(limit) : machine;
}

int64_t within_quota(int64_t processors, double quota) {
  if (quota < static_cast<double>(processors)) processors = static_cast<int64_t>(std::ceil(quota));
  return std::max<int64_t>(processors, 1);
}

}  // namespace gradus
