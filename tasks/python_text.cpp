#include "tasks/python_text.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.h"

namespace gradus {

namespace {

constexpr char32_t capital_sigma = 0x3A3, small_sigma = 0x3C3, final_sigma = 0x3C2;
constexpr char32_t dotted_capital_i = 0x130, dot_above = 0x307;

bool in(char32_t code, char32_t first, char32_t last) { return code >= first && code <= last; }

// Unicode's Case_Ignorable (3.13, D136).
bool is_case_ignorable(char32_t code) {
  constexpr std::u32string_view inside_words =
      U"'.:\u00B7\u0387\u055F\u05F4\u2018\u2019\u2024\u2027\uFE13\uFE52\uFE55\uFF07\uFF0E\uFF1A";
  const std::string_view name = category(code);
  return inside_words.find(code) != std::u32string_view::npos || name == "Mn" || name == "Me" ||
         name == "Cf" || name == "Lm" || name == "Sk";
}

// Unicode's Cased (D135) of a code point that isn't case-ignorable.
bool is_cased(char32_t code) {
  const std::string_view name = category(code);
  return name == "Lu" || name == "Ll" || name == "Lt" || code == 0xAA || code == 0xBA ||
         in(code, 0x2160, 0x217F) || in(code, 0x24B6, 0x24E9) || in(code, 0x1F130, 0x1F149) ||
         in(code, 0x1F150, 0x1F169) || in(code, 0x1F170, 0x1F189);
}

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
  return nlohmann::json(text).dump(-1, ' ', true);
}

}  // namespace gradus
