// Options of a program: declared once over the fields of plain structs, then set from a YAML file and the
// command line. A value on the command line wins over the file, the file over the default.
//
//   struct Settings { int64_t epoch_num = 3; bool do_train = false; } settings;
//   Options options("run_thing", "Trains a thing.", "run_thing --do_train --epoch_num 5");
//   options.group("Training");
//   options.add("epoch_num", settings.epoch_num, "passes over the training data").at_least(1);
//   options.add("do_train", settings.do_train, "train");
//   if (!options.parse(argc, argv)) return 0;  // --help was asked for
//   options.print_effective(stdout);
#pragma once

#include <cstdint>
#include <cstdio>
#include <deque>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tasks/help/program_page.h"
#include "tasks/options/config_file.h"

namespace gradus {

// An allowed value of a text option, and other spellings of it. All are compared without regard to case.
struct Choice {
  Choice(const char* value, std::vector<std::string> also = {})  // NOLINT(google-explicit-constructor)
      : value(value), also(std::move(also)) {}
  std::string value;
  std::vector<std::string> also;
};

// The names of a table's rows as values of an option.
template <typename Row>
std::vector<Choice> choices_of(const std::vector<Row>& table) {
  std::vector<Choice> choices;
  for (const Row& row : table) {
    choices.emplace_back(std::string(row.name).c_str());
    if constexpr (requires { row.aliases; }) choices.back().also = row.aliases;
  }
  return choices;
}

// One option: a name, the field it sets, and what is allowed.
class Option {
 public:
  using Field = std::variant<bool*, int64_t*, double*, std::string*>;

  Option(std::string name, Field field, std::string help, std::string group);

  // Another name, on the command line and in files.
  Option& alias(std::string name);
  // Limits of a number, both included.
  Option& at_least(double minimum);
  Option& between(double minimum, double maximum);
  // Allowed values of a text; the field receives the first spelling.
  Option& choices(std::vector<Choice> choices);
  // Another word for true, of a switch.
  Option& also_true(std::string word);
  // Given again, its values add up to a comma_list(), of which each is a part, commas and all; otherwise the last one counts.
  Option& add_up();
  bool adds_up() const { return adds_up_; }
  // A value of other systems' files that means nothing here: from a file it leaves the default, and print_effective says so
  // with the reason; on the command line it is refused.
  Option& leave(std::string value, std::string reason);
  // A value that is recognised but refused, with the reason: "found 'float16': no kernel ...".
  Option& refuse(std::string value, std::string reason);

  // What a text names, for help pages and shells that complete it: a file, a folder, or either.
  Option& file() { return names_what("FILE", PageOption::Value::file); }
  Option& folder() { return names_what("FOLDER", PageOption::Value::folder); }
  Option& path() { return names_what("PATH", PageOption::Value::file); }
  // Stands behind what is said of a wrong number: what gives what it was meant for.
  Option& advise(std::string advice);

  const std::string& name() const { return names_.front(); }
  const std::vector<std::string>& names() const { return names_; }
  const std::string& group() const { return group_; }
  const std::string& origin() const { return origin_; }
  bool is_default() const { return origin_.starts_with("default"); }
  bool is_switch() const { return std::holds_alternative<bool*>(field_); }
  // A text that can be anything: of a list in a file it is the comma_list() of the values.
  bool is_free_text() const { return std::holds_alternative<std::string*>(field_) && choices_.empty(); }
  // What a word means as a switch's value; nothing when it is none.
  std::optional<bool> as_switch(std::string_view word) const;

  // Whether a file's value is one that leaves the default (leave()), which is then told.
  bool leaves(const std::string& text, const std::string& where);
  // Sets the field from text. `where` stands in front of the message of the Error thrown on a wrong value,
  // `origin` is what print_effective reports.
  void set(const std::string& text, const std::string& where, const std::string& origin);
  std::string value() const;
  std::string placeholder() const;  // of the value on the help page: "N"
  std::string expectation() const;  // "a whole number, at least 1"
  std::string description() const;  // help text, choices and default
  PageOption page_option() const;

 private:
  Option& names_what(const char* placeholder, PageOption::Value value);

  std::vector<std::string> names_;
  Field field_;
  std::string help_;
  std::string group_;
  double minimum_ = -std::numeric_limits<double>::infinity();
  double maximum_ = std::numeric_limits<double>::infinity();
  std::vector<Choice> choices_;
  std::vector<std::pair<std::string, std::string>> refused_;
  std::vector<std::pair<std::string, std::string>> left_;
  std::string also_true_;
  std::string advice_;
  const char* placeholder_ = "TEXT";
  PageOption::Value value_ = PageOption::Value::text;
  bool adds_up_ = false;
  std::string default_;
  std::string origin_ = "default";
};

// true, false, 1 or 0 in any case; nothing for other texts.
std::optional<bool> parse_switch(std::string_view text);

// A number of bytes: "1000", or with K, M, G or T for 2^10, 2^20, 2^30 or 2^40, "4G", "4GiB". `where` stands in front of the
// message of the Error thrown on other texts.
int64_t parse_bytes(std::string_view text, std::string_view where);

// The parts of a value that is a list with commas between; none of an empty one. A part may be empty. "\," is a comma within a part.
// Of backslashes right before a comma two stand for one; elsewhere each is itself.
std::vector<std::string> comma_parts(const std::string& list);
// The list that has these parts.
std::string comma_list(const std::vector<std::string>& parts);
// The paths in such a list; the list itself where it is the path of something that is there.
std::vector<std::string> comma_paths(const std::string& list);

class Options {
 public:
  // `purpose` and `example` (whole command lines) stand on the help page.
  Options(std::string program, std::string purpose, std::string example);

  // Options added from here on stand under this heading of the help page.
  void group(std::string heading) { group_ = std::move(heading); }
  // Adds --name; the field's present value is the default. The field must outlive this object.
  Option& add(std::string name, Option::Field field, std::string help);
  template <typename T>
  Option& add(std::string name, T& field, std::string help) {
    return add(std::move(name), Option::Field(&field), std::move(help));
  }

  // Names of other systems' settings that mean nothing here. They may be given, with or without a value, and print_effective
  // tells once what they are left for.
  void leave(const std::vector<std::string>& names, const std::string& reason);

  // Sets the fields from --config_path FILE and the command line. Switches may stand alone or carry true,
  // false, 1 or 0 (any case), after "=" or as the next word. Returns false when --help was asked for and
  // printed. Throws Error on unknown names (with the nearest one, or what transformers' is here), missing and
  // wrong values; of an option it has the name that was given.
  bool parse(int argc, const char* const* argv);

  // Lets --config_path be a folder, of which parse() reads nothing.
  void take_folder_of_settings() { takes_folder_ = true; }
  // The folder, where it is one.
  std::optional<std::string> folder_of_settings() const;

  // The option of that name or alias, for a program that knows more of one that a shared struct has added.
  Option& option(std::string_view name);
  // Whether neither file nor command line, nor preset() or adopt(), has set the option.
  bool is_default(std::string_view name) const;
  // Whether the command line has set it, not a file or the program.
  bool is_on_command_line(std::string_view name) const;
  // Sets an option that is still at its default; print_effective gives `reason` as its origin.
  void preset(std::string_view name, const std::string& value, const std::string& reason);
  // Sets an option that is still at its default from a nested value of the configuration file, for example
  // adopt("learning_rate", "optimizer_cfg.AdamWeightDecay.learning_rate"); nothing when the file lacks it.
  void adopt(std::string_view name, std::string_view path);
  // The same where another value of the file has set it: the command line alone wins.
  void adopt_over(std::string_view name, std::string_view path);
  // Whether the configuration file has such a nested value.
  bool in_file(std::string_view path) { return file_.find(path) != nullptr; }
  // A nested list of the configuration file; none when the file lacks it. Throws Error on a single value.
  std::optional<std::vector<std::string>> list(std::string_view path);

  const std::string& program() const { return program_; }
  const std::deque<Option>& all() const { return options_; }
  // Every option with its value and where that came from, then what the file holds that nothing used.
  std::string effective() const;
  void print_effective(std::FILE* out) const;
  std::string help() const;
  ProgramPage page() const;

 private:
  void take(Option& option, ConfigEntry& entry, bool over = false);
  const std::string* nearest_to(const std::string& name, size_t most) const;
  std::string told_of_file() const;
  std::string told_of_left() const;
  std::string notes() const;
  // A value on the command line, and the name that it was given by.
  struct Given {
    std::string name;
    std::string value;
  };
  std::map<std::string, Given> read_words(int argc, const char* const* argv);
  [[noreturn]] void fail_unknown(const std::string& word, const Option* previous) const;
  void set_from_file();

  std::string program_;
  std::string purpose_;
  std::string example_;
  std::string group_ = "Options";
  std::string config_path_;
  bool takes_folder_ = false;
  std::deque<Option> options_;  // a deque: references handed out by add() stay valid
  std::map<std::string, std::string, std::less<>> left_;  // names of leave(), and the reasons
  std::vector<std::string> left_words_;                   // those of them on the command line
  ConfigFile file_;
};

}  // namespace gradus
