// The one error type of the project, and the check that throws it.
#pragma once

#include <fmt/core.h>

#include <stdexcept>
#include <string>

namespace gradus {

// Everything that goes wrong is an Error whose text says what was found and what is allowed.
// Operators write "[op] what is wrong: got ..., expected ..."; data readers write "file:line: ...".
// Programs print the text and exit with status 2.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Throws an Error with a text formatted from arguments of any types. The two below call it, so that what formats and
// throws is compiled once, not wherever something is checked.
[[noreturn]] void throw_error(fmt::string_view format, fmt::format_args args);

// Throws an Error with a formatted text.
template <typename... Args>
[[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) {
  throw_error(format, fmt::make_format_args(args...));
}

// Throws an Error with a formatted text unless `condition` holds; formats nothing when it does.
template <typename... Args>
void check(bool condition, fmt::format_string<Args...> format, Args&&... args) {
  if (!condition) [[unlikely]]
    throw_error(format, fmt::make_format_args(args...));
}

}  // namespace gradus
