// The machines of a training, and how many of its processes each has.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace gradus {

struct Host {
  std::string name;  // or address
  int64_t processes;
};

// A host file as Open MPI's: "name" or "name slots=N" a line, # before comments. Without slots a host has one process.
// Throws Error with file and line, also when a host is named twice.
std::vector<Host> read_host_file(const std::string& path);

// A table of ranks as MindSpore's tools make it (hccl.json): a process for each device, and the hosts in the order of their
// first ranks. Throws Error with the place in the file, also when ranks occur twice or some are left out.
std::vector<Host> read_rank_table(const std::string& path);

int64_t process_count(const std::vector<Host>& hosts);

}  // namespace gradus
