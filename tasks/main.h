// What every program's main() does around its body.
#pragma once

#include <cerrno>
#include <cstdio>
#include <exception>
#include <new>
#include <system_error>

#include "core/error.h"

namespace gradus {

// The exit status of a run that could not do what was asked.
constexpr int exit_failure = 2;

// Runs `body(argc, argv)` and returns its result. Whatever it throws becomes one "error: ..." line on
// standard error and status 2, and so does output that could not be written (a full disk, a closed file).
template <typename Body>
int run_main(int argc, char** argv, Body&& body) {
  try {
    const int status = body(argc, argv);
    errno = 0;
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
      // An error of an earlier write has left its mark but no reason.
      const std::string reason =
          errno == 0 ? "an earlier write failed" : std::generic_category().message(errno);
      fail("cannot write to standard output: {}", reason);
    }
    return status;
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "error: out of memory\n");
  } catch (const std::exception& e) {
    fmt::print(stderr, "error: {}\n", e.what());
  }
  return exit_failure;
}

}  // namespace gradus
