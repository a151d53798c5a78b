// Asking a training to stop: SIGTERM, as schedulers send it, and SIGINT, as Ctrl-C does.
#pragma once

#include <csignal>
#include <string_view>

namespace gradus {

// While one is there, the first of these signals is only noted: whoever trains ends the step, saves and stops. The second ends
// the process at once. A signal that is ignored, as in a command behind nohup, stays so.
class StopRequest {
 public:
  StopRequest();
  ~StopRequest();
  StopRequest(const StopRequest&) = delete;
  StopRequest& operator=(const StopRequest&) = delete;

  // "SIGTERM" or "SIGINT" when one came; otherwise empty.
  std::string_view signal() const;

 private:
  static constexpr int signals[] = {SIGTERM, SIGINT};
  struct sigaction before_[2];
};

// This process has done what was asked, and ends: its training was stopped, and what there was is saved; or process 0 does the
// rest.
struct Stopped {};

}  // namespace gradus
