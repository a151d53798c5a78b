// Files of tests: those shared with other projects that results are compared with, and small helpers.
#pragma once

#include <doctest/doctest.h>

#include <concepts>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/error.h"

namespace gradus {

// Whether the test runs under the address sanitizer, which takes several times as long: what repeats itself, repeats itself less.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool is_sanitized = true;
#else
constexpr bool is_sanitized = false;
#endif

// What an Error that `call` throws says; empty when it throws none.
template <std::invocable Call>
std::string error_of(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

bool contains(const std::string& text, const std::string& part);

// The folder `below` the shared files, empty where there are none: a test then says so and returns.
std::filesystem::path shared_folder(const std::string& below);

// A file of the project's own, its tests' golden values for one.
std::filesystem::path source_file(const std::string& below);

std::string file_content(const std::filesystem::path& path);
void write_file(const std::filesystem::path& path, const std::string& content);

// The names of what lies in a folder, in order.
std::vector<std::string> names_in(const std::filesystem::path& folder);

// The bytes of all files below a folder, and where links lead, by their paths in it. Holes are left out, but where they
// are is told: a MindRecord file is 48 MiB of them.
std::map<std::string, std::string> contents_of(const std::filesystem::path& folder);

// A folder for the files of one test, removed with everything in it at its end.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  // Writes a file and returns its whole path.
  std::string write(const std::string& name, const std::string& content) const;

 private:
  std::filesystem::path path_;
};

}  // namespace gradus
