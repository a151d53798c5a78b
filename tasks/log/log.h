// What programs write to their standard streams: a log, and results. A log line that can't be written (a full disk, a
// reader that has gone) is dropped, for hours of work hang on it; a result that can't be is an error of the run.
#pragma once

#include <fmt/core.h>

#include <cstdio>
#include <string>
#include <string_view>

namespace gradus {

// Makes sure that the descriptors 0, 1 and 2 are open, so that no file of ours gets one of these numbers and then what is
// meant for the log, and that a pipe without a reader is an error of the write, not the program's end. One that the
// caller had closed reads or writes nothing: any attempt fails.
void guard_standard_streams();

// Writes at once, also from several threads; never throws. What had been written to `log` before and is waiting goes first. A null `log` takes nothing.
void write_log(std::FILE* log, std::string_view text) noexcept;

template <typename... Args>
void print_log(std::FILE* log, fmt::format_string<Args...> format, Args&&... args) {
  write_log(log, fmt::vformat(format, fmt::make_format_args(args...)));
}

// A line at the bottom of a terminal, as a bar: it stands there until another one, or whatever else this process writes to its log or
// as a result, takes its place. From any thread. Cut to the terminal's columns by whoever makes it: status_width().
void show_status(std::FILE* terminal, std::string_view line) noexcept;
// Takes the line away, if there is one.
void erase_status() noexcept;
// Leaves it where it is: what is written next goes below.
void keep_status() noexcept;
// The columns that such a line has; 79 when the terminal doesn't say.
int status_width(std::FILE* terminal);

// From now on this process says nothing of what it does, and gives no results: another one does. Errors it tells, as `name`.
void speak_for_errors_alone(std::string name);

// Writes a result to standard output at once, but leaves it to check_results() to throw: what else the run has to write
// is written first.
void write_output(std::string_view text);

template <typename... Args>
void print_result(fmt::format_string<Args...> format, Args&&... args) {
  write_output(fmt::vformat(format, fmt::make_format_args(args...)));
}

// Tells why a run ends: "error: ...", on standard error.
void write_error(std::string_view text) noexcept;

template <typename... Args>
void print_error(fmt::format_string<Args...> format, Args&&... args) {
  write_error(fmt::vformat(format, fmt::make_format_args(args...)));
}

// Throws Error with the reason when a result could not be written to standard output, by now or before.
void check_results();

// Writes the predictions that wait in `out`; throws Error with the reason when they can't be written.
void flush_predictions(std::FILE* out);

}  // namespace gradus
