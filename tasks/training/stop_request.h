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

// A training was asked to stop and has saved what there was; the program ends, and has done what was asked.
struct Stopped {};

}  // namespace gradus
