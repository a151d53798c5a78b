// This program, started again by itself.
#pragma once

#include <string>
#include <vector>

#include "tasks/training/stop_request.h"

namespace gradus {

enum class ChildOutput : uint8_t {
  same,    // its standard output is this process's
  to_log,  // goes to this process's standard error: its results are not those of this process
};

// Runs the program of this process with other words (`name` is what it was started as) to its end, and returns its exit status as a
// shell has it, 128 + N after signal N. Its standard input is empty. When a signal asks this process to stop the child is told by
// SIGUSR1, and so it is when this process is gone. Throws Error when it can't be started.
int run_again(const std::string& name, const std::vector<std::string>& words, ChildOutput output,
              const StopRequest& stop);

}  // namespace gradus
