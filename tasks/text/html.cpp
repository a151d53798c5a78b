#include "tasks/text/html.h"

#include "data/unicode.h"
#include "tasks/text/display_text.h"

namespace gradus {
namespace {

// What XML 1.0 has no way to write, the control characters of ISO 8859 included, which HTML has no use for.
bool is_forbidden(char32_t code) {
  const bool control = code < 0x20 && code != '\t' && code != '\n' && code != '\r';
  return control || (code >= 0x7F && code < 0xA0) || (code & 0xFFFE) == 0xFFFE;
}

void append_escaped(std::string& html, char32_t code) {
  switch (code) {
    case '&':
      html += "&amp;";
      return;
    case '<':
      html += "&lt;";
      return;
    case '>':
      html += "&gt;";
      return;
    case '"':
      html += "&quot;";
      return;
    case '\'':
      html += "&#39;";
      return;
    case '\r':
      html += ' ';
      return;  // both would make a line break of it
    default:
      append_utf8(html, is_forbidden(code) ? replacement_code : code);
  }
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string html;
  html.reserve(text.size());
  for (size_t pos = 0; pos < text.size();) append_escaped(html, next_code(text, pos));
  return html;
}

}  // namespace gradus
