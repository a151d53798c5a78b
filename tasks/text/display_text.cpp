#include "tasks/text/display_text.h"

#include <utf8proc.h>

#include <algorithm>

#include "data/unicode.h"

namespace gradus {
namespace {

int code_width(char32_t code) { return utf8proc_charwidth(static_cast<utf8proc_int32_t>(code)); }

// Whether the code turns the direction of the text behind it, out of the label it stands in: embeddings,
// overrides and isolates (Unicode, annex 9).
bool turns_direction(char32_t code) {
  return (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

std::string blanks(int count) { return std::string(static_cast<size_t>(std::max(count, 0)), ' '); }

}  // namespace

char32_t next_code(std::string_view text, size_t& pos) {
  const char32_t code = decode_utf8(text, pos);
  if (code != invalid_code) return code;
  ++pos;
  return replacement_code;
}

std::string printable_text(std::string_view text) {
  std::string result;
  for (size_t pos = 0; pos < text.size();) {
    char32_t code = next_code(text, pos);
    if (is_python_space(code)) code = ' ';
    if (category(code) == "Cc" || turns_direction(code)) code = replacement_code;
    append_utf8(result, code);
  }
  return result;
}

int text_width(std::string_view text) {
  int width = 0;
  for (size_t pos = 0; pos < text.size();) width += code_width(next_code(text, pos));
  return width;
}

std::string cut_text(std::string_view text, int width) {
  const std::string printable = printable_text(text);
  if (text_width(printable) <= width) return printable;
  int used = 1;  // the column of "…"
  size_t end = 0;
  for (size_t pos = 0; pos < printable.size(); end = pos) {
    used += code_width(next_code(printable, pos));
    if (used > width) break;
  }
  return printable.substr(0, end) + "…";
}

std::string pad_right(std::string_view text, int width) {
  return std::string(text) + blanks(width - text_width(text));
}
std::string pad_left(std::string_view text, int width) {
  return blanks(width - text_width(text)) + std::string(text);
}

}  // namespace gradus
