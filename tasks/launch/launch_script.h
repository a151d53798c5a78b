// The shell script that starts a training on many processes.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tasks/launch/hosts.h"

namespace gradus {

struct Launch {
  std::vector<Host> hosts;
  int64_t cores_per_process = 0;  // 0: not bound
  std::string program;
  std::vector<std::pair<std::string, std::string>> flags;  // names without dashes, and values
};

// A word as a POSIX shell takes it: in quotes where it has to be.
std::string shell_word(const std::string& word);

// The text of the script. Its own arguments go behind the flags, and so count more than those.
std::string launch_script(const Launch& launch);

}  // namespace gradus
