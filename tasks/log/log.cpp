#include "tasks/log/log.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <mutex>
#include <system_error>

#include "core/error.h"

namespace gradus {
namespace {

// Why standard output failed first: the stream itself remembers only that it did.
int& first_failure() {
  static int error = 0;
  return error;
}

void note_failure() {
  if (first_failure() == 0) first_failure() = errno;
}

// The name of a process that tells errors alone; empty where this one tells all.
std::string& quiet_name() {
  static std::string name;
  return name;
}

// The line at the bottom of a terminal; whoever writes holds its lock.
struct Status {
  std::mutex guard;
  std::FILE* terminal = nullptr;  // null: there is no line
};

Status& status() {
  static Status status;
  return status;
}

void write_to(std::FILE* log, std::string_view text) noexcept {
  errno = 0;
  if (std::fflush(log) != 0 && log == stdout) note_failure();
  const bool failed = std::ferror(log) != 0;
  std::fwrite(text.data(), 1, text.size(), log);
  std::fflush(log);
  if (!failed) std::clearerr(log);
}

void erase(Status& status) noexcept {
  if (status.terminal != nullptr) write_to(status.terminal, "\r\x1b[K");
  status.terminal = nullptr;
}

std::string reason_of(int error) {
  return error == 0 ? "an earlier write failed" : std::generic_category().message(error);
}

}  // namespace

void guard_standard_streams() {
  // Opened the wrong way round: reading input or writing output that isn't there fails instead of seeming to work.
  for (const auto& [descriptor, mode] :
       {std::pair{STDIN_FILENO, O_WRONLY}, {STDOUT_FILENO, O_RDONLY}, {STDERR_FILENO, O_RDONLY}}) {
    if (::fcntl(descriptor, F_GETFD) >= 0 || errno != EBADF) continue;
    // The lowest free number, those below being open by now, is this one.
    check(::open("/dev/null", mode) == descriptor, "cannot open '/dev/null': {}",
          std::generic_category().message(errno));
  }
  std::signal(SIGPIPE, SIG_IGN);
}

void write_log(std::FILE* log, std::string_view text) noexcept {
  if (log == nullptr || !quiet_name().empty()) return;
  const std::lock_guard lock(status().guard);
  erase(status());
  write_to(log, text);
}

void show_status(std::FILE* terminal, std::string_view line) noexcept {
  if (!quiet_name().empty()) return;
  const std::lock_guard lock(status().guard);
  write_to(terminal, fmt::format("\r{}\x1b[K", line));
  status().terminal = terminal;
}

void erase_status() noexcept {
  const std::lock_guard lock(status().guard);
  erase(status());
}

void keep_status() noexcept {
  const std::lock_guard lock(status().guard);
  if (status().terminal != nullptr) write_to(status().terminal, "\n");
  status().terminal = nullptr;
}

int status_width(std::FILE* terminal) {
  winsize size{};
  const bool known = ::ioctl(::fileno(terminal), TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  // The last column stays free: some terminals would break the line there.
  return std::max(1, (known ? size.ws_col : 80) - 1);
}

void speak_for_errors_alone(std::string name) { quiet_name() = std::move(name); }

void write_error(std::string_view text) noexcept {
  erase_status();
  write_to(stderr, quiet_name().empty() ? fmt::format("error: {}\n", text)
                                        : fmt::format("error: {}: {}\n", quiet_name(), text));
}

void write_output(std::string_view text) {
  if (!quiet_name().empty()) return;
  const std::lock_guard lock(status().guard);
  erase(status());
  errno = 0;
  // Of a stream that is written line by line fwrite() takes all and says nothing.
  std::fwrite(text.data(), 1, text.size(), stdout);
  if (std::ferror(stdout) != 0 || std::fflush(stdout) != 0) note_failure();
}

void check_results() {
  errno = 0;
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return;
  note_failure();
  fail("cannot write to standard output: {}", reason_of(first_failure()));
}

void flush_predictions(std::FILE* out) {
  errno = 0;
  if (std::fflush(out) == 0 && std::ferror(out) == 0) return;
  const int error = errno;
  if (out == stdout) note_failure();
  fail("cannot write the predictions: {}", reason_of(out == stdout ? first_failure() : error));
}

}  // namespace gradus
