// Work that a thread of its own does now and then, while the one that made it has something else to do.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace gradus {

// Calls `work` after `wait`, then each time after as long as it has returned; no more when that is 0. When this object is gone it has
// ended, and is not called again. Where the system gives no thread it is never called: it is for what may be left undone.
class Timer {
 public:
  using Duration = std::chrono::steady_clock::duration;

  Timer(Duration wait, std::function<Duration()> work);
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer();

 private:
  void run(Duration wait);

  std::function<Duration()> work_;
  std::mutex guard_;
  std::condition_variable changed_;
  bool ends_ = false;
  std::thread thread_;
};

}  // namespace gradus
