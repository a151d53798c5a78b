// The command line of a program that has a file or two as arguments and a few flags. Those with more have Options.
// CLI11 stays out of all but one source: its header takes longer to compile than the rest of most.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tasks/help/program_page.h"

namespace CLI {
class App;
}

namespace gradus {

class Arguments {
 public:
  // `purpose` and `example` (whole command lines) stand on the help page.
  Arguments(const std::string& program, const std::string& purpose, const std::string& example);
  ~Arguments();

  // "file": the argument at the next place; "--to": the one behind this word. The field's present value is the default.
  void add(const std::string& name, std::string& field, const std::string& help);
  void add(const std::string& name, int& field, const std::string& help);
  // One that has to be there. `value` and `values` are for shells that complete it: what it names, or all that it can be.
  void require(const std::string& name, std::string& field, const std::string& help,
               PageOption::Value value = PageOption::Value::text, std::vector<std::string> values = {});
  // Sets the field when the word is there.
  void add_flag(const std::string& name, bool& field, const std::string& help);

  // Sets the fields. Returns the exit status of a program that is to end: 0 when --help or --version was asked for and printed,
  // `failure` when it was told on standard error what is wrong.
  std::optional<int> parse(int argc, const char* const* argv, int failure);

 private:
  void note(const std::string& name, const std::string& help, PageOption::Value value,
            std::vector<std::string> values = {});

  std::unique_ptr<CLI::App> app_;
  ProgramPage page_;
};

// Those that every program has: --help and --version.
std::vector<PageOption> own_page_options();

// A line of the help page: "--name,--alias", "N", its text, and the heading above it.
struct HelpEntry {
  std::string names;
  std::string placeholder;
  std::string text;
  std::string group;
};

// The help page of `program` as --help prints it, --version included. Texts begin at this column.
std::string help_page(const std::string& purpose, const std::string& program,
                      const std::vector<HelpEntry>& entries, size_t column, const std::string& footer);

}  // namespace gradus
