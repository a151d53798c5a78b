// All that a program says of its options, for those who show it: man, and the shells that complete a word.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace gradus {

struct PageOption {
  // What stands behind a name. A switch may stand alone.
  enum class Value : uint8_t { none, optional, text, file, folder };

  std::vector<std::string> names;  // "--epoch_num"; an argument by its place: "FILE"
  Value value = Value::text;
  std::string placeholder;          // of the value: "N"
  std::vector<std::string> values;  // all that it can be, where that is a list
  std::string text;
  std::string group;
};

struct ProgramPage {
  std::string program;
  std::string purpose;  // the first sentence says it in short
  std::string example;  // command lines
  std::vector<PageOption> options;
  std::string notes;  // behind the options
};

// The first sentence without its full stop, for lists of programs.
std::string short_purpose(const ProgramPage& page);

// A script for bash-completion: a file of the program's name in share/bash-completion/completions.
std::string bash_completion(const ProgramPage& page);
// A function for zsh: _PROGRAM in share/zsh/site-functions.
std::string zsh_completion(const ProgramPage& page);
// A page of section 1 in man's macros: PROGRAM.1.
std::string man_page(const ProgramPage& page);

// Whether the command line is "--write_pages FOLDER", by which the build has each program write these three files, in this
// folder and by these names; then they are written. Only then is the page made.
bool writes_pages(int argc, const char* const* argv, const std::function<ProgramPage()>& make_page);

}  // namespace gradus
