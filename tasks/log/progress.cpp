#include "tasks/log/progress.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "tasks/log/log.h"

namespace gradus {
namespace {

constexpr auto redraw_interval = std::chrono::milliseconds(100);
constexpr int widest_bar = 40;
constexpr int narrowest_bar = 5;

std::string rate_text(double per_second) {
  if (per_second >= 1e6) return fmt::format("{:.2f}M", per_second / 1e6);
  if (per_second >= 1e3) return fmt::format("{:.1f}k", per_second / 1e3);
  return fmt::format("{:.0f}", per_second);
}

std::string bar_text(double part, int width) {
  const int inside = width - 2;
  const int filled = std::clamp(static_cast<int>(part * inside), 0, inside);
  std::string bar(static_cast<size_t>(filled), '=');
  if (filled < inside) bar += '>';
  return fmt::format("[{:<{}}]", bar, inside);
}

}  // namespace

std::string duration_text(double seconds) {
  const auto whole = static_cast<int64_t>(std::llround(std::max(0.0, seconds)));
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

std::string progress_line(const ProgressState& state, int width) {
  const bool counted = state.total > 0;
  const double part =
      counted ? std::clamp(static_cast<double>(state.step) / static_cast<double>(state.total), 0.0, 1.0) : 0;
  std::string text = counted ? fmt::format("{}/{} {:.0f}%", state.step, state.total, std::floor(part * 100))
                             : fmt::format("step {}", state.step);
  if (!std::isnan(state.loss)) text += fmt::format(" loss {:.4f}", state.loss);
  if (state.tokens_per_second > 0) text += fmt::format(" {} tokens/s", rate_text(state.tokens_per_second));
  if (counted && state.seconds_left >= 0) text += fmt::format(" eta {}", duration_text(state.seconds_left));

  const int room = width - static_cast<int>(state.label.size() + text.size()) - 2;
  std::string line = state.label;
  if (width > 0 && counted && room >= narrowest_bar) line += ' ' + bar_text(part, std::min(room, widest_bar));
  line += ' ' + text;
  if (width > 0 && static_cast<int>(line.size()) > width) line.resize(static_cast<size_t>(width));
  return line;
}

Progress::Progress(std::string label, int64_t total, int64_t log_steps, std::FILE* out, std::FILE* log,
                   ProgressTimes times)
    : log_steps_(std::max<int64_t>(1, log_steps)),
      out_(out),
      log_(log),
      terminal_(::isatty(::fileno(out)) == 1),
      pace_(times, start_) {
  state_.label = std::move(label);
  state_.total = total;
  state_.loss = std::nan("");
  state_.seconds_left = -1;
  wait_.emplace(times.first, [this] {
    tell_begin();
    return Timer::Duration::zero();
  });
}

void Progress::tell_begin() {
  const std::lock_guard lock(guard_);
  const Clock::time_point now = Clock::now();
  const double seconds = std::chrono::duration<double>(now - start_).count();
  const std::string line = fmt::format("{}: first step {}", state_.label, duration_text(seconds));
  if (terminal_) show_status(out_, line.substr(0, static_cast<size_t>(status_width(out_))));
  else print_log(out_, "{}\n", line);
  pace_.told(now);
}

// From here on one thread alone reports.
void Progress::end_wait() { wait_.reset(); }

void Progress::update(int64_t step, double loss, int64_t tokens) {
  end_wait();
  if (first_step_ < 0) first_step_ = step - 1;
  const Clock::time_point now = Clock::now();
  const double seconds = std::chrono::duration<double>(now - start_).count();
  tokens_ += tokens;
  state_.step = step;
  state_.loss = loss;
  state_.tokens_per_second = seconds > 0 ? static_cast<double>(tokens_) / seconds : 0;
  const double per_step = seconds / static_cast<double>(std::max<int64_t>(1, step - first_step_));
  state_.seconds_left = per_step * static_cast<double>(std::max<int64_t>(0, state_.total - step));
  const bool due =
      terminal_ ? now - last_draw_ >= redraw_interval : step % log_steps_ == 0 || pace_.is_due(now);
  if (due) draw(now);
}

void Progress::draw(Clock::time_point now) {
  if (terminal_) show_status(out_, progress_line(state_, status_width(out_)));
  else print_log(out_, "{}\n", progress_line(state_, 0));
  last_draw_ = now;
  pace_.told(now);
  printed_step_ = state_.step;
}

void Progress::print(std::string_view line) {
  const std::lock_guard lock(guard_);
  print_log(log_, "{}\n", line);  // which takes the bar away
  if (terminal_ && !finished_ && first_step_ >= 0) draw(Clock::now());
}

void Progress::finish() {
  if (finished_) return;
  end_wait();
  finished_ = true;
  if (first_step_ < 0) return erase_status();  // nothing was reported
  if (terminal_ || printed_step_ != state_.step) draw(Clock::now());
  if (terminal_) keep_status();
}

std::string between_rules(const std::string& text) {
  const std::string rule = std::string(62, '=') + '\n';
  return rule + text + rule;
}

}  // namespace gradus
