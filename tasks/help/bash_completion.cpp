#include <fmt/core.h>

#include <map>

#include "core/joined.h"
#include "tasks/help/program_page.h"

namespace gradus {
namespace {

// What a word is completed by, behind one of the options of a case.
std::string action(const PageOption& option) {
  switch (option.value) {
    case PageOption::Value::file:
      return "kind=file";
    case PageOption::Value::folder:
      return "kind=folder";
    case PageOption::Value::none:
      return "values=$options";
    default:
      break;
  }
  if (option.values.empty()) return "kind=text";
  // A switch may stand alone.
  const bool optional = option.value == PageOption::Value::optional;
  return fmt::format("values=\"{}{}\"", joined(option.values, " "), optional ? " $options" : "");
}

}  // namespace

// Options begin with "--": other words stand at places, or behind an option. bash parts words at "=".
std::string bash_completion(const ProgramPage& page) {
  std::vector<std::string> names, places;
  std::map<std::string, std::vector<std::string>> cases;
  std::string place = "values=$options";
  for (const PageOption& option : page.options) {
    if (!option.names.front().starts_with('-')) {
      if (option.value == PageOption::Value::file || option.value == PageOption::Value::folder)
        place = action(option);
      continue;
    }
    for (const std::string& name : option.names) {
      names.push_back(name);
      cases[action(option)].push_back(name);
    }
  }
  std::string text = fmt::format(
      "# bash completion of {0}, which has written this file\n"
      "_{0}() {{\n"
      "  local word=${{COMP_WORDS[COMP_CWORD]}} option=${{COMP_WORDS[COMP_CWORD-1]}} kind= values=\n"
      "  local options=\"{1}\"\n"
      "  if [[ $word == \"=\" ]]; then\n"
      "    word=\n"
      "  elif [[ $option == \"=\" ]]; then\n"
      "    option=${{COMP_WORDS[COMP_CWORD-2]}}\n"
      "  fi\n"
      "  COMPREPLY=()\n"
      "  if [[ $word == -* ]]; then\n"
      "    option=\n"
      "    values=$options\n"
      "  fi\n"
      "  case $option in\n"
      "    \"\") ;;\n",
      page.program, joined(names, " "));
  for (const auto& [what, options] : cases)
    text += fmt::format("    {}) {} ;;\n", joined(options, "|"), what);
  text += fmt::format(
      "    *) {} ;;\n"
      "  esac\n"
      "  case $kind in\n"
      "    file) mapfile -t COMPREPLY < <(compgen -f -- \"$word\") ;;\n"
      "    folder) mapfile -t COMPREPLY < <(compgen -d -- \"$word\") ;;\n"
      "    text) ;;\n"
      "    *) mapfile -t COMPREPLY < <(compgen -W \"$values\" -- \"$word\") ;;\n"
      "  esac\n"
      "  # Where bash itself asks, names get their slashes and quotes.\n"
      "  if [[ $kind == f* ]]; then compopt -o filenames 2>/dev/null; fi\n"
      "  return 0\n"
      "}}\n"
      "complete -F _{} {}\n",
      place, page.program, page.program);
  return text;
}

}  // namespace gradus
