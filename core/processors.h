// How many processors and how much memory a process has.
#pragma once

#include <cstdint>
#include <string>

namespace gradus {

// How many processors the control groups of this process let it use on average, as in a container with `--cpus 1.5`: the
// least quota of its groups and of all above them (cpu.max of version 2, cpu.cfs_quota_us of version 1). Infinity without
// one; a file that can't be read or understood limits nothing. `root` is where /proc and /sys lie.
double processor_quota(const std::string& root = "/");

// The least of `processors` and the quota, which is rounded up; at least 1.
int64_t within_quota(int64_t processors, double quota = processor_quota());

// Bytes of memory that this process may use: what the machine has, or the least limit of its control groups (memory.max of
// version 2, memory.limit_in_bytes of version 1).
int64_t usable_memory(const std::string& root = "/");

}  // namespace gradus
