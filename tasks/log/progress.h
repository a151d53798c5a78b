// How far a run is: a bar on a terminal, plain lines elsewhere. And the log lines of the BERT reference drivers.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "tasks/log/timer.h"

namespace gradus {

// What a progress line says.
struct ProgressState {
  std::string label;             // "train"
  int64_t step = 0;              // done, of
  int64_t total = 0;             // in all; 0: not known
  double loss = 0;               // shown unless it is NaN
  double tokens_per_second = 0;  // shown unless it is 0
  double seconds_left = 0;       // shown when it is 0 or more
};

// "train [=====>    ] 120/400 30% loss 0.4321 5.2k tokens/s eta 1:05", at most `width` columns wide: the bar
// takes what is left of them, and goes first, then the text is cut. A width of 0 gives a line without bar.
std::string progress_line(const ProgressState& state, int width);
// 65 -> "1:05", 3725 -> "1:02:05".
std::string duration_text(double seconds);

// How long nothing is said of work that has begun, and after which time again something, where there is no terminal.
struct ProgressTimes {
  std::chrono::steady_clock::duration first = std::chrono::seconds(1);
  std::chrono::steady_clock::duration next = std::chrono::seconds(30);
};

// When a line is due by the time.
class Pace {
 public:
  using Clock = std::chrono::steady_clock;

  Pace(ProgressTimes times, Clock::time_point start) : times_(times), due_(start + times.first) {}
  bool is_due(Clock::time_point now) const { return now >= due_; }
  // There was a line now, for whatever reason.
  void told(Clock::time_point now) { due_ = now + times_.next; }

 private:
  ProgressTimes times_;
  Clock::time_point due_;
};

// Reports on a loop. On a terminal it redraws one line at most ten times a second; elsewhere it prints a line
// every `log_steps` steps, every half minute, and at the end. Where the first step takes long there is a line before it ends.
class Progress {
 public:
  // `total` steps are ahead; 0 when their number isn't known. `out` is watched for being a terminal.
  // print() writes to `log`.
  Progress(std::string label, int64_t total, int64_t log_steps, std::FILE* out = stderr,
           std::FILE* log = stdout, ProgressTimes times = {});
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { finish(); }

  // Tells that `step` steps are done, the last with this loss (NaN: none), over `tokens` tokens.
  void update(int64_t step, double loss, int64_t tokens);
  // Writes a line to the log in such a way that it doesn't mix with the bar.
  void print(std::string_view line);
  // Leaves the last state on the screen, or prints it, and ends the line. Further calls do nothing.
  void finish();

 private:
  using Clock = std::chrono::steady_clock;

  void draw(Clock::time_point now);
  void tell_begin();  // of the first step, that it is being worked on
  void end_wait();

  ProgressState state_;
  int64_t first_step_ = -1;  // before the first update: where a resumed run starts
  int64_t log_steps_;
  int64_t tokens_ = 0;
  std::FILE* out_;
  std::FILE* log_;
  bool terminal_;
  bool finished_ = false;
  int64_t printed_step_ = -1;
  Clock::time_point start_ = Clock::now();
  Clock::time_point last_draw_ = start_ - std::chrono::hours(1);
  Pace pace_;
  std::mutex guard_;           // of what the two threads see before the first step
  std::optional<Timer> wait_;  // for the first step
};

// A line of 62 equals signs, which the reference drivers put around results.
std::string between_rules(const std::string& text);

}  // namespace gradus
