#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <sstream>

#include "core/joined.h"
#include "core/version.h"
#include "tasks/help/program_page.h"

namespace gradus {
namespace {

// A text as roff takes it to be that text: a dash is one to type, and a line that begins with a dot or a quote is no request.
std::string roff(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if ((out.empty() || out.back() == '\n') && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\') out += "\\e";
    else if (c == '-') out += "\\-";
    else out += c;
  }
  return out;
}

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::toupper(c); });
  return text;
}

std::string heading(const std::string& text) { return fmt::format(".SH {}\n", text); }

// Lines as they stand.
std::string literal(const std::string& text) {
  std::string lines = roff(text);
  if (!lines.ends_with('\n')) lines += '\n';
  return fmt::format(".PP\n.nf\n.RS\n{}.RE\n.fi\n", lines);
}

std::string option_entry(const PageOption& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.names) names.push_back(fmt::format("\\fB{}\\fR", roff(name)));
  std::string text = fmt::format(".TP\n{}", joined(names, ", "));
  if (!option.placeholder.empty()) text += fmt::format(" \\fI{}\\fR", roff(option.placeholder));
  std::string about = option.text;
  std::ranges::replace(about, '\n', ' ');
  return fmt::format("{}\n{}\n", text, roff(about));
}

}  // namespace

std::string man_page(const ProgramPage& page) {
  const bool has_places = std::ranges::any_of(
      page.options, [](const PageOption& o) { return !o.names.front().starts_with('-'); });
  std::string text =
      fmt::format(".TH {} 1 \"\" \"Gradus {}\" \"Gradus\"\n", roff(upper(page.program)), version());
  text += heading("NAME") + fmt::format("{} \\- {}\n", roff(page.program), roff(short_purpose(page)));
  text += heading("SYNOPSIS") + fmt::format("\\fB{}\\fR [\\fIOPTIONS\\fR]", roff(page.program));
  for (const PageOption& option : page.options)
    if (has_places && !option.names.front().starts_with('-'))
      text += fmt::format(" \\fI{}\\fR", roff(option.names.front()));
  text += "\n" + heading("DESCRIPTION") + roff(page.purpose) + "\n" + heading("OPTIONS");
  std::string group;
  for (const PageOption& option : page.options) {
    if (option.group != group && option.group != "Options")
      text += fmt::format(".SS \"{}\"\n", roff(option.group));
    group = option.group;
    text += option_entry(option);
  }
  if (!page.notes.empty()) text += ".PP\n" + roff(page.notes) + "\n";
  text +=
      heading("EXIT STATUS") +
      "0: all was done. 1, of programs that answer lines: some have an error in place of their answer. 2: "
      "it could not be done, and standard error says why.\n";
  if (!page.example.empty()) text += heading("EXAMPLE") + literal(page.example);
  return text;
}

}  // namespace gradus
