#include "tasks/text/python_text.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/io/json.h"

namespace gradus {

namespace {

constexpr char32_t capital_sigma = 0x3A3, small_sigma = 0x3C3, final_sigma = 0x3C2;
constexpr char32_t dotted_capital_i = 0x130, dot_above = 0x307;

// Final_Sigma (table 3-17): a cased letter before it and none behind it, case-ignorable characters aside.
bool is_final_sigma(std::u32string_view text, size_t at) {
  const auto letter = [](auto begin, auto end) {
    const auto found = std::find_if_not(begin, end, is_case_ignorable);
    return found != end && is_cased(*found);
  };
  const std::u32string_view before = text.substr(0, at), behind = text.substr(at + 1);
  return letter(before.rbegin(), before.rend()) && !letter(behind.begin(), behind.end());
}

}  // namespace

std::u32string decode(std::string_view text) {
  check_utf8(text, "[text]");
  std::u32string codes;
  codes.reserve(text.size());
  for (size_t at = 0; at < text.size();) codes += decode_utf8(text, at);
  return codes;
}

std::string encode(std::u32string_view codes) {
  std::string text;
  for (const char32_t code : codes) append_utf8(text, code);
  return text;
}

std::u32string python_lower(std::u32string_view text) {
  std::u32string result;
  result.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == capital_sigma) result += is_final_sigma(text, i) ? final_sigma : small_sigma;
    else if (text[i] == dotted_capital_i) result += {U'i', dot_above};
    else result += to_lower(text[i]);
  }
  return result;
}

bool is_python_word(char32_t code) {
  const char kind = category(code)[0];
  return kind == 'L' || kind == 'N' || code == '_';
}

std::string python_float(double value) {
  check(std::isfinite(value), "[json] {}: expected a finite number", value);
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

std::string python_json(std::string_view text) {
  check_utf8(text, "[json]");
  return json_text(text, -1, JsonStrings::ascii);
}

}  // namespace gradus
