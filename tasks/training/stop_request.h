// Asking a training to stop: SIGTERM, as schedulers send it, SIGINT, as Ctrl-C does, and SIGUSR1, as a program that runs several
// trainings sends it to the present one.
#pragma once

#include <csignal>
#include <cstddef>
#include <string_view>
#include <vector>

namespace gradus {

// While one is there, the first of these signals is only noted: whoever trains ends the step, saves and stops. The second ends
// the process at once. A signal that is ignored, as in a command behind nohup, stays so. The thread that makes it and ends it is
// the one that signals come to, which is the program's first. SIGUSR1 never ends the process: whoever sends it may not be the only
// one, since a terminal and many schedulers send their signal to all processes.
class StopRequest {
 public:
  StopRequest();
  ~StopRequest();
  StopRequest(const StopRequest&) = delete;
  StopRequest& operator=(const StopRequest&) = delete;

  // "SIGTERM", "SIGINT" or "SIGUSR1" when one came; otherwise empty.
  std::string_view signal() const;

 private:
  static constexpr int signals[] = {SIGTERM, SIGINT, SIGUSR1};
  struct sigaction before_[3];
  // Signals are handled on a stack of their own: within oneDNN's generated code (products of long sums in fp32) what the
  // system writes below the stack pointer would overwrite the heap (docs/DECISIONS.md).
  std::vector<std::byte> stack_;
  stack_t stack_before_;
};

// This process has done what was asked, and ends: its training was stopped, and what there was is saved; or process 0 does the
// rest.
struct Stopped {};

}  // namespace gradus
