// What every program's main() does around its body.
#pragma once

#include <exception>
#include <filesystem>
#include <new>
#include <string_view>
#include <system_error>

#include "core/error.h"
#include "core/version.h"
#include "data/unicode.h"
#include "tasks/log/log.h"
#include "tasks/training/processes.h"
#include "tasks/training/stop_request.h"

namespace gradus {

// The exit status of a run that could not do what was asked.
constexpr int exit_failure = 2;

// Runs `body(argc, argv)` and returns its result; with --version first it says instead what version this is. Whatever it throws becomes one "error: ..." line on
// standard error, in which odd characters show as <U+00A0>, and status 2, and so do results that could not be written (a full disk, a closed file).
template <typename Body>
int run_main(int argc, char** argv, Body&& body) {
  try {
    guard_standard_streams();
    if (argc > 1 && std::string_view(argv[1]) == "--version") {
      print_result("{} {}\n", std::filesystem::path(argv[0]).filename().string(), version());
      check_results();
      return 0;
    }
    try {
      const int status = body(argc, argv);
      check_results();
      leave_processes();
      return status;
    } catch (const Stopped&) {
      leave_processes();
      return 0;  // the log has it
    } catch (...) {
      let_first_process_speak();
      throw;
    }
  } catch (const std::bad_alloc&) {
    write_error("out of memory");
  } catch (const std::filesystem::filesystem_error& e) {
    print_error("cannot use '{}': {}", e.path1().string(), e.code().message());
  } catch (const std::system_error& e) {
    // fmt::print() throws it, with the reason but without a name for what could not be written.
    const char* what = std::ferror(stdout) != 0 ? "cannot write to standard output" : nullptr;
    if (what != nullptr) print_error("{}: {}", what, e.code().message());
    else print_error("{}", shown(e.what()));
  } catch (const std::exception& e) {
    print_error("{}", shown(e.what()));
  }
  abandon_processes(exit_failure);
  return exit_failure;
}

}  // namespace gradus
