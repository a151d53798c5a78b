// The quotas of control groups, from trees of files as Linux has them.
#include "core/processors.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "core/run_parallel.h"
#include "tests/files.h"

using namespace gradus;

namespace {

constexpr double unlimited = std::numeric_limits<double>::infinity();

struct File {
  std::string name;
  std::string content;
};

template <typename Limit>
auto limit_of(Limit limit, const std::string& groups, const std::vector<File>& files) {
  const TemporaryFolder root;
  const auto write = [&](const std::string& name, const std::string& content) {
    std::filesystem::create_directories((root / name).parent_path());
    root.write(name, content);
  };
  write("proc/self/cgroup", groups);
  for (const File& file : files) write("sys/fs/cgroup/" + file.name, file.content);
  return limit(root.path().string());
}

double quota_of(const std::string& groups, const std::vector<File>& files) {
  return limit_of(processor_quota, groups, files);
}

}  // namespace

TEST_CASE("version 2: the least quota of a group and of those above it") {
  CHECK(quota_of("0::/\n", {{"cpu.max", "150000 100000\n"}}) == 1.5);
  CHECK(quota_of("0::/\n", {{"cpu.max", "max 100000\n"}}) == unlimited);
  const std::vector<File> path{{"cpu.max", "max 100000\n"},
                               {"a/cpu.max", "300000 100000\n"},
                               {"a/b/cpu.max", "25000 50000\n"},
                               {"a/b/c/cpu.max", "max 100000\n"},
                               {"d/cpu.max", "1000 100000\n"}};
  CHECK(quota_of("0::/a/b/c\n", path) == 0.5);
  CHECK(quota_of("0::/a\n", path) == 3);
  CHECK(quota_of("0::/\n", path) == unlimited);
  // The top of the tree is the container's own group, its path that of the machine.
  CHECK(quota_of("0::/docker/0123\n", {{"cpu.max", "200000 100000"}}) == 2);
  CHECK(quota_of("0::/../other\n", {{"cpu.max", "200000 100000"}}) == 2);
}

TEST_CASE("version 1: quota and period are files of their own, and none is -1") {
  const std::string groups = "12:memory:/a\n3:cpu,cpuacct:/a/b\n2:cpuset:/c\n1:name=systemd:/d\n";
  CHECK(quota_of(groups, {{"cpu,cpuacct/a/b/cpu.cfs_quota_us", "250000\n"},
                          {"cpu,cpuacct/a/b/cpu.cfs_period_us", "100000\n"},
                          {"cpu,cpuacct/a/cpu.cfs_quota_us", "-1\n"},
                          {"cpu,cpuacct/a/cpu.cfs_period_us", "100000\n"},
                          {"cpuset/c/cpu.cfs_quota_us", "1\n"},
                          {"cpuset/c/cpu.cfs_period_us", "100000\n"}}) == 2.5);
  CHECK(quota_of("1:cpu:/docker/0123\n",
                 {{"cpu/cpu.cfs_quota_us", "50000\n"}, {"cpu/cpu.cfs_period_us", "100000\n"}}) == 0.5);
  CHECK(quota_of("1:cpu:/\n", {{"cpu/cpu.cfs_quota_us", "-1\n"}, {"cpu/cpu.cfs_period_us", "100000\n"}}) ==
        unlimited);
}

TEST_CASE("both versions at once: the least of all") {
  const std::string groups = "1:cpu:/a\n0::/b\n";
  const std::vector<File> one{{"cpu/a/cpu.cfs_quota_us", "300000\n"},
                              {"cpu/a/cpu.cfs_period_us", "100000\n"}};
  CHECK(quota_of(groups, one) == 3);
  std::vector<File> both = one;
  both.push_back({"unified/b/cpu.max", "200000 100000\n"});
  CHECK(quota_of(groups, both) == 2);
}

TEST_CASE("what can't be read or understood limits nothing") {
  CHECK(processor_quota("/nowhere/at/all") == unlimited);
  CHECK(quota_of("", {{"cpu.max", "100000 100000\n"}}) == unlimited);
  CHECK(quota_of("0:\n:\nno groups\n\n", {{"cpu.max", "100000 100000\n"}}) == unlimited);
  for (const char* content : {"", "\n", "150000\n", "0 100000\n", "-5 100000\n", "100000 0\n", "1e999 1\n",
                              "99999999999999999999999 100000\n", "one two\n"}) {
    CAPTURE(content);
    CHECK(!(quota_of("0::/\n", {{"cpu.max", content}}) < 1));
    CHECK(within_quota(4, quota_of("0::/\n", {{"cpu.max", content}})) >= 1);
  }
  CHECK(quota_of("1:cpu:/\n", {{"cpu/cpu.cfs_quota_us", "100000\n"}}) == unlimited);  // no period
}

TEST_CASE("a quota is rounded up to threads, and there is always one") {
  CHECK(within_quota(8, unlimited) == 8);
  CHECK(within_quota(8, 1.5) == 2);
  CHECK(within_quota(8, 2.0) == 2);
  CHECK(within_quota(8, 0.01) == 1);
  CHECK(within_quota(2, 2.5) == 2);
  CHECK(within_quota(0, unlimited) == 1);
  CHECK(within_quota(8, 1e300) == 8);
  CHECK(thread_count(7) == 7);
  CHECK(thread_count(0) == within_quota(std::thread::hardware_concurrency()));
}

TEST_CASE("memory: that of the machine, or less where a group is limited") {
  const auto memory_of = [](const std::string& groups, const std::vector<File>& files) {
    return limit_of(usable_memory, groups, files);
  };
  const int64_t machine = memory_of("", {});
  CHECK(machine > int64_t{1} << 26);
  CHECK(memory_of("0::/a/b\n", {{"a/memory.max", "1048576\n"}, {"a/b/memory.max", "max\n"}}) == 1048576);
  CHECK(memory_of("0::/\n", {{"memory.max", "max\n"}}) == machine);
  CHECK(memory_of("3:cpu:/a\n2:memory:/a\n", {{"memory/a/memory.limit_in_bytes", "2097152\n"}}) == 2097152);
  CHECK(memory_of("2:memory:/\n", {{"memory/memory.limit_in_bytes", "9223372036854771712\n"}}) == machine);
}
