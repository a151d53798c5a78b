// What a program does before, between and after the steps of a loop: it reads a file, makes tokens of texts, loads weights.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>

#include "tasks/log/progress.h"
#include "tasks/log/timer.h"

namespace gradus {

// "reading train.txt 0:31", "tokenizing train.txt [==>   ] 12000/50000 24% eta 1:05", or without a total "sentences of train.txt: 12000":
// `seconds` after its begin. A width of 0 gives a line without bar, as of progress_line().
std::string phase_line(const std::string& what, int64_t done, int64_t total, double seconds, int width);

// Says what is done while it is there, by a thread of its own: nothing in the first second; then, on a terminal, a line that
// is redrawn and goes away in the end, elsewhere a line, and another one every half minute.
class Phase {
 public:
  // `total`: of what done() counts; 0: not known. `out` is watched for being a terminal; null: nothing is said.
  explicit Phase(std::string what, int64_t total = 0, std::FILE* out = stderr, ProgressTimes times = {});
  Phase(const Phase&) = delete;
  Phase& operator=(const Phase&) = delete;
  ~Phase();

  // So many are done by now. From any thread.
  void done(int64_t count) { done_.store(count, std::memory_order_relaxed); }
  // The same for loops that don't know what they are a part of: of the latest phase of this thread, if there is one.
  static void count(int64_t done, int64_t total);

 private:
  Timer::Duration tell();

  std::string what_;
  std::atomic<int64_t> total_;
  std::FILE* out_;
  ProgressTimes times_;
  bool terminal_;
  std::atomic<int64_t> done_{0};
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  Phase* outer_;                // the one before it, of this thread
  std::optional<Timer> timer_;  // the last member: it ends first
};

}  // namespace gradus
