#include "tasks/options/options.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <numeric>

#include "core/error.h"
#include "core/joined.h"
#include "tasks/log/log.h"
#include "tasks/options/arguments.h"
#include "tasks/options/transformers_names.h"

namespace gradus {
namespace {

constexpr size_t help_column = 36;
constexpr size_t help_width = 110;

constexpr const char* command_line = "command line";  // an origin

// Breaks a text into lines of so many characters.
std::string wrap(const std::string& text, size_t width) {
  std::string wrapped;
  size_t used = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(' ', begin), text.size());
    const size_t length = end - begin;
    if (used > 0) {
      const bool fits = used + 1 + length <= width;
      wrapped += fits ? ' ' : '\n';
      used = fits ? used + 1 : 0;
    }
    wrapped.append(text, begin, length);
    used += length;
    begin = end + 1;
  }
  return wrapped;
}

// Number of single-character insertions, deletions and replacements between two words (Levenshtein 1966).
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

// The option of that name or alias, or null.
template <typename Container>
auto find_option(Container& options, std::string_view name) -> decltype(&options.front()) {
  for (auto& option : options) {
    const auto& names = option.names();
    if (std::find(names.begin(), names.end(), name) != names.end()) return &option;
  }
  return nullptr;
}

}  // namespace

Options::Options(std::string program, std::string purpose, std::string example)
    : program_(std::move(program)), purpose_(std::move(purpose)), example_(std::move(example)) {
  add("config_path", config_path_,
      "YAML file with values for the options below; the command line wins. Of run_ner, run_classifier and "
      "run_squad also a folder of such: a run for each")
      .path();
}

Option& Options::add(std::string name, Option::Field field, std::string help) {
  check(find_option(options_, name) == nullptr, "[options] --{} is declared twice", name);
  return options_.emplace_back(std::move(name), field, std::move(help), group_);
}

void Options::leave(const std::vector<std::string>& names, const std::string& reason) {
  for (const std::string& name : names) {
    check(find_option(options_, name) == nullptr, "[options] --{} is declared and left", name);
    left_[name] = reason;
  }
}

bool Options::parse(int argc, const char* const* argv) {
  if (writes_pages(argc, argv, [this] { return page(); })) return false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word != "--help" && word != "-h") continue;
    fmt::print("{}", help());
    return false;
  }
  const std::map<std::string, Given> given = read_words(argc, argv);
  for (Option& option : options_) {
    const auto found = given.find(option.name());
    if (found != given.end()) option.set(found->second.value, "--" + found->second.name, command_line);
  }
  if (!config_path_.empty() && !folder_of_settings()) set_from_file();
  return true;
}

std::optional<std::string> Options::folder_of_settings() const {
  if (!takes_folder_ || !std::filesystem::is_directory(config_path_)) return std::nullopt;
  return config_path_;
}

// The value that the command line gives each option, the last where there are several. Not CLI11's work, which would take the word
// after "--name=" for the empty value, and any word for a switch's optional one.
std::map<std::string, Options::Given> Options::read_words(int argc, const char* const* argv) {
  std::map<std::string, Given> given;
  left_words_.clear();
  const auto as_option = [&](std::string_view word) -> const Option* {
    if (!word.starts_with("--")) return nullptr;
    return find_option(options_, word.substr(2, word.find('=') - 2));
  };
  const Option* previous = nullptr;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const size_t equals = word.find('=');
    const Option* option = as_option(word);
    const std::string next = i + 1 < argc ? argv[i + 1] : "";
    if (option == nullptr && word.starts_with("--") && left_.contains(word.substr(2, equals - 2))) {
      left_words_.push_back(word.substr(2, equals - 2));
      if (equals == std::string::npos && !next.empty() && !next.starts_with("-")) ++i;
      previous = nullptr;
      continue;
    }
    if (option == nullptr) fail_unknown(word, previous);
    auto& [name, value] = given[option->name()];
    name = word.substr(2, equals - 2);
    std::vector<std::string> parts = option->adds_up() ? comma_parts(value) : std::vector<std::string>();
    if (equals != std::string::npos) {
      value = word.substr(equals + 1);
    } else if (option->is_switch() && !option->as_switch(next)) {
      value = "true";
    } else {
      check(i + 1 < argc && as_option(next) == nullptr, "{} needs a value: {}", word, option->placeholder());
      value = next;
      ++i;
    }
    if (option->adds_up()) {
      parts.push_back(std::move(value));
      value = comma_list(parts);
    }
    previous = option;
  }
  return given;
}

void Options::fail_unknown(const std::string& word, const Option* previous) const {
  if (!word.starts_with("-")) {
    if (previous != nullptr && previous->is_switch()) {
      fail("unexpected '{}' after --{}: expected {}, or another option", word, previous->name(),
           previous->expectation());
    }
    fail("unexpected '{}': options start with --", word);
  }
  const size_t start = std::min(word.find_first_not_of('-'), word.size());
  const std::string name = word.substr(start, word.find('=') - start);
  if (const auto answer = answer_to_transformers(program_, name))
    fail("unknown option '{}' of transformers: {}", word, *answer);
  const std::string* nearest = nearest_to(name, std::max<size_t>(1, name.size() / 3));
  if (nearest != nullptr) fail("unknown option '{}': did you mean --{}?", word, *nearest);
  fail("unknown option '{}': {} --help lists all options", word, program_);
}

// The name that differs least from this one, in `most` characters at most, or that this one begins; null when there is none.
const std::string* Options::nearest_to(const std::string& name, size_t most) const {
  const std::string* nearest = nullptr;
  size_t least = most + 1;
  for (const Option& option : options_) {
    for (const std::string& candidate : option.names()) {
      const bool abbreviated = !name.empty() && candidate != name && candidate.starts_with(name);
      const size_t distance = abbreviated ? 1 : edit_distance(name, candidate);
      if (distance >= least) continue;
      least = distance;
      nearest = &candidate;
    }
  }
  return nearest;
}

void Options::set_from_file() {
  file_ = ConfigFile(config_path_);
  std::map<const Option*, const ConfigEntry*> taken;
  for (ConfigEntry& entry : file_.entries()) {
    Option* option = find_option(options_, entry.path);
    if (option == nullptr) continue;
    const bool is_empty = entry.values == std::vector<std::string>{""};
    const auto [earlier, is_first] = taken.emplace(option, &entry);
    if (is_first || earlier->second->values == entry.values) {
      take(*option, entry);
    } else if (is_empty) {
      entry.used = true;
    } else {
      // Files have a key for each program: those of the others are empty.
      check(earlier->second->values == std::vector<std::string>{""},
            "{}: {}: another name for what line {} gives, {}", file_.where(entry), entry.path,
            earlier->second->line, earlier->second->path);
      earlier->second = &entry;
      take(*option, entry, true);
    }
  }
}

// Gives the option the file's value, unless it is set already; `over`: unless the command line has set it.
void Options::take(Option& option, ConfigEntry& entry, bool over) {
  const std::string where = fmt::format("{}: {}", file_.where(entry), entry.path);
  entry.used = true;
  const bool is_list = entry.kind == ConfigEntry::Kind::list;
  check(entry.kind == ConfigEntry::Kind::scalar || (is_list && option.is_free_text()),
        "{}: found a {}, expected {}", where, is_list ? "list" : "map", option.expectation());
  if (over ? option.origin() == command_line : !option.is_default()) return;
  if (!is_list && option.leaves(entry.values[0], file_.where(entry))) return;
  option.set(is_list || option.adds_up() ? comma_list(entry.values) : entry.values[0], where,
             file_.where(entry));
}

Option& Options::option(std::string_view name) {
  Option* option = find_option(options_, name);
  check(option != nullptr, "[options] there is no option --{}", name);
  return *option;
}

bool Options::is_default(std::string_view name) const {
  const Option* option = find_option(options_, name);
  check(option != nullptr, "[options] there is no option --{}", name);
  return option->is_default();
}

bool Options::is_on_command_line(std::string_view name) const {
  const Option* option = find_option(options_, name);
  check(option != nullptr, "[options] there is no option --{}", name);
  return option->origin() == command_line;
}

void Options::preset(std::string_view name, const std::string& value, const std::string& reason) {
  Option& found = option(name);
  if (found.is_default()) found.set(value, fmt::format("{}: --{}", reason, name), reason);
}

void Options::adopt(std::string_view name, std::string_view path) {
  Option& found = option(name);
  ConfigEntry* entry = file_.find(path);
  if (entry != nullptr) take(found, *entry);
}

void Options::adopt_over(std::string_view name, std::string_view path) {
  ConfigEntry* entry = file_.find(path);
  if (entry != nullptr) take(option(name), *entry, true);
}

std::optional<std::vector<std::string>> Options::list(std::string_view path) {
  ConfigEntry* entry = file_.find(path);
  if (entry == nullptr) return std::nullopt;
  check(entry->kind == ConfigEntry::Kind::list, "{}: {}: expected a list", file_.where(*entry), path);
  entry->used = true;
  return entry->values;
}

std::string Options::effective() const {
  size_t longest = 0;
  for (const Option& option : options_) longest = std::max(longest, option.name().size());
  std::string text = fmt::format("configuration of {}:\n", program_);
  for (const Option& option : options_) {
    text += fmt::format("  {:<{}} = {} ({})\n", option.name(), longest,
                        option.value().empty() ? "''" : option.value(), option.origin());
  }
  return text + told_of_left() + told_of_file();
}

// The names that mean nothing here, each with its reason.
std::string Options::told_of_left() const {
  std::map<std::string, std::vector<std::string>> names;  // by reason
  for (const std::string& name : left_words_) names[left_.at(name)].push_back("--" + name);
  for (const std::string& name : file_.unused()) {
    const auto found = left_.find(name);
    if (found != left_.end()) names[found->second].push_back(name);
  }
  std::string text;
  for (const auto& [reason, words] : names)
    text += fmt::format("left: {}: {}\n", joined(words, ", "), reason);
  return text;
}

// What the file holds that nothing used; a name that is nearly an option's may have been meant for it.
std::string Options::told_of_file() const {
  std::vector<std::string> unused;
  for (const std::string& name : file_.unused()) {
    if (left_.contains(name)) continue;
    const std::string* nearest = nearest_to(name, 2);
    if (const auto answer = answer_to_transformers(program_, name))
      unused.push_back(fmt::format("{} ({})", name, *answer));
    else unused.push_back(nearest == nullptr ? name : fmt::format("{} (did you mean {}?)", name, *nearest));
  }
  std::string text;
  if (!unused.empty())
    text += fmt::format("not used by this program, from {}: {}\n", file_.name(), joined(unused, ", "));
  if (file_.documents() > 1) {
    text += fmt::format("not used by this program, from {}: help texts and choices (documents 2 to {})\n",
                        file_.name(), file_.documents());
  }
  return text;
}

void Options::print_effective(std::FILE* out) const { write_log(out, effective()); }

std::string Options::help() const {
  std::vector<HelpEntry> entries;
  for (const Option& option : options_) {
    entries.push_back({fmt::format("--{}", joined(option.names(), ",--")), option.placeholder(),
                       wrap(option.description(), help_width - help_column), option.group()});
  }
  return help_page(purpose_, program_, entries, help_column, notes() + "Example:\n  " + example_);
}

// What holds for all options.
std::string Options::notes() const {
  std::string text = "Switches may stand alone or carry a value: --name, --name=false, --name false.\n";
  std::vector<std::string> left;
  for (const auto& [name, reason] : left_) left.push_back("--" + name);
  if (!left.empty())
    text +=
        wrap(fmt::format("Of other systems, without effect here: {}", joined(left, ", ")), help_width) + "\n";
  return text;
}

ProgramPage Options::page() const {
  ProgramPage page{program_, purpose_, example_, own_page_options(), notes()};
  for (const Option& option : options_) page.options.push_back(option.page_option());
  return page;
}

}  // namespace gradus
