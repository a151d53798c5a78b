#include "tasks/log/phase.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "tasks/log/log.h"

namespace gradus {
namespace {

constexpr auto redraw_interval = std::chrono::milliseconds(200);

thread_local Phase* latest = nullptr;

}  // namespace

std::string phase_line(const std::string& what, int64_t done, int64_t total, double seconds, int width) {
  if (total > 0) {
    const double left =
        done > 0 ? seconds * static_cast<double>(total - done) / static_cast<double>(done) : -1;
    return progress_line({what, done, total, std::nan(""), 0, left}, width);
  }
  std::string line =
      done > 0 ? fmt::format("{}: {}", what, done) : fmt::format("{} {}", what, duration_text(seconds));
  if (width > 0 && static_cast<int>(line.size()) > width) line.resize(static_cast<size_t>(width));
  return line;
}

Phase::Phase(std::string what, int64_t total, std::FILE* out, ProgressTimes times)
    : what_(std::move(what)),
      total_(total),
      out_(out),
      times_(times),
      terminal_(out != nullptr && ::isatty(::fileno(out)) == 1),
      outer_(std::exchange(latest, this)) {
  if (out_ != nullptr) timer_.emplace(times_.first, [this] { return tell(); });
}

Phase::~Phase() {
  latest = outer_;
  timer_.reset();
  if (terminal_) erase_status();
}

void Phase::count(int64_t done, int64_t total) {
  if (latest == nullptr) return;
  latest->total_.store(total, std::memory_order_relaxed);
  latest->done(done);
}

Timer::Duration Phase::tell() {
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  const int width = terminal_ ? status_width(out_) : 0;
  const std::string line = phase_line(what_, done_.load(std::memory_order_relaxed),
                                      total_.load(std::memory_order_relaxed), seconds, width);
  if (!terminal_) {
    print_log(out_, "{}\n", line);
    return times_.next;
  }
  show_status(out_, line);
  return redraw_interval;
}

}  // namespace gradus
