#include "tasks/launch/ini_file.h"

#include <algorithm>
#include <map>

#include "core/ascii.h"
#include "core/error.h"
#include "core/io/file_kind.h"
#include "core/io/files.h"
#include "data/text_file.h"

namespace gradus {
namespace {

constexpr size_t most_bytes = size_t{4} << 20;
constexpr std::string_view blanks = " \t\r\f\v";

// A percent sign stands there twice, since one begins a reference.
std::string without_percents(std::string_view value, const std::string& where) {
  std::string text;
  for (size_t i = 0; i < value.size(); ++i) {
    text += value[i];
    if (value[i] != '%') continue;
    ++i;
    check(i < value.size() && value[i] == '%',
          "{}: found '{}': expected %% for a percent sign, and no references to other keys", where, value);
  }
  return text;
}

}  // namespace

std::vector<IniEntry> read_ini(const std::string& path, std::string_view section) {
  const std::string text = read_file(path, most_bytes, FileKind::any);
  check_text_kind(text, path);
  std::vector<IniEntry> entries;
  std::map<std::string, int> lines;
  int in_section = 0;      // the line of its header
  size_t indentation = 0;  // of the last key
  int number = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = std::string_view(text).substr(begin, end - begin);
    begin = end + 1;
    const std::string where = fmt::format("{}:{}", path, ++number);
    const std::string_view content = trimmed(line, blanks);
    if (content.empty() || content[0] == '#' || content[0] == ';') continue;
    const size_t indented = line.find_first_not_of(blanks);
    check(entries.empty() || indented <= indentation,
          "{}: found '{}' further to the right than the key before, where it would go on with that one's "
          "value: expected values of one line",
          where, content);
    if (content[0] == '[') {
      check(content == fmt::format("[{}]", section), "{}: found {}: expected [{}] and no other section",
            where, content, section);
      check(in_section == 0, "{}: [{}] is given twice: first in line {}", where, section, in_section);
      in_section = number;
      continue;
    }
    check(in_section > 0, "{}: found '{}' in no section: expected [{}] before it", where, content, section);
    const size_t delimiter = content.find_first_of("=:");
    check(delimiter != std::string_view::npos && delimiter > 0, "{}: found '{}': expected KEY = VALUE", where,
          content);
    IniEntry entry{small_letters(trimmed(content.substr(0, delimiter), blanks)),
                   without_percents(trimmed(content.substr(delimiter + 1), blanks), where), number};
    const auto [earlier, is_new] = lines.emplace(entry.key, number);
    check(is_new, "{}: '{}' is given twice: first in line {}", where, entry.key, earlier->second);
    indentation = indented;
    entries.push_back(std::move(entry));
  }
  check(in_section > 0, "{}: found no section: expected [{}]", path, section);
  return entries;
}

}  // namespace gradus
