#include <fmt/core.h>

#include "core/joined.h"
#include "tasks/help/program_page.h"

namespace gradus {
namespace {

// A text within a specification of _arguments, which stands in single quotes: colons part its fields, brackets end one.
std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'') out += "'\\''";
    else if (c == ':' || c == '[' || c == ']' || c == '\\') out += fmt::format("\\{}", c);
    else out += c == '\n' ? ' ' : c;
  }
  return out;
}

std::string action(const PageOption& option) {
  if (option.value == PageOption::Value::file) return "_files";
  if (option.value == PageOption::Value::folder) return "_files -/";
  if (!option.values.empty()) return fmt::format("({})", joined(option.values, " "));
  return " ";
}

}  // namespace

std::string zsh_completion(const ProgramPage& page) {
  std::string text = fmt::format(
      "#compdef {0}\n# Completion of {0}, which has written this file.\n_arguments", page.program);
  for (const PageOption& option : page.options) {
    const std::string about = escaped(option.text);
    const std::string value = fmt::format("{}:{}", escaped(option.placeholder), action(option));
    for (const std::string& name : option.names) {
      std::string word;
      if (!name.starts_with('-')) word = fmt::format(":{}:{}", escaped(name), action(option));
      else if (option.value == PageOption::Value::none) word = fmt::format("{}[{}]", name, about);
      else if (option.value == PageOption::Value::optional)
        word = fmt::format("{}=[{}]::{}", name, about, value);
      else if (name.starts_with("--")) word = fmt::format("{}=[{}]:{}", name, about, value);
      else word = fmt::format("{}[{}]:{}", name, about, value);
      text += fmt::format(" \\\n  '{}'", word);
    }
  }
  return text + "\n";
}

}  // namespace gradus
