#include "data/unicode.h"

#include <utf8proc.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "core/error.h"

namespace gradus {

char32_t decode_utf8(std::string_view text, size_t& pos) {
  const auto lead = static_cast<unsigned char>(text[pos]);
  if (lead < 0x80) {
    ++pos;
    return lead;
  }
  // The number of leading ones is the length; each length has a smallest value it may stand for.
  const int length = std::countl_one(lead);
  if (length < 2 || length > 4 || text.size() - pos < static_cast<size_t>(length)) return invalid_code;
  char32_t code = lead & (0x7FU >> length);
  for (int i = 1; i < length; ++i) {
    const auto byte = static_cast<unsigned char>(text[pos + i]);
    if ((byte & 0xC0U) != 0x80) return invalid_code;
    code = code << 6 | (byte & 0x3FU);
  }
  constexpr char32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (code < smallest[length] || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return invalid_code;
  pos += length;
  return code;
}

size_t find_invalid_utf8(std::string_view text) {
  size_t pos = 0;
  while (pos < text.size()) {
    uint64_t block = 0;
    while (text.size() - pos >= sizeof(block)) {  // eight ASCII bytes at once
      std::memcpy(&block, text.data() + pos, sizeof(block));
      if ((block & 0x8080808080808080U) != 0) break;
      pos += sizeof(block);
    }
    if (pos < text.size() && decode_utf8(text, pos) == invalid_code) return pos;
  }
  return std::string_view::npos;
}

std::string utf8_fault(std::string_view text) {
  const size_t pos = find_invalid_utf8(text);
  if (pos == std::string_view::npos) return {};
  return fmt::format("invalid UTF-8 at byte {}: found 0x{:02x}", pos, static_cast<unsigned char>(text[pos]));
}

void check_utf8(std::string_view text, std::string_view where) {
  if (const std::string found = utf8_fault(text); !found.empty()) fail("{}: {}", where, found);
}

void append_utf8(std::string& text, char32_t code) {
  utf8proc_uint8_t bytes[4];
  const auto size = utf8proc_encode_char(static_cast<utf8proc_int32_t>(code), bytes);
  text.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size));
}

std::vector<std::string_view> split_characters(std::string_view text) {
  std::vector<std::string_view> characters;
  for (size_t pos = 0; pos < text.size();) {
    const size_t begin = pos;
    check(decode_utf8(text, pos) != invalid_code, "[split_characters] invalid UTF-8 at byte {}", begin);
    characters.push_back(text.substr(begin, pos - begin));
  }
  return characters;
}

int64_t count_characters(std::string_view text) {
  return std::ranges::count_if(text,
                               [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80; });
}

int64_t CharacterOffsets::before(size_t byte) {
  check(byte_ <= byte && byte <= text_.size(), "[unicode] byte {} after byte {} of a text of {}", byte, byte_,
        text_.size());
  characters_ += count_characters(text_.substr(byte_, byte - byte_));
  byte_ = byte;
  return characters_;
}

std::string_view category(char32_t code) {
  return utf8proc_category_string(static_cast<utf8proc_int32_t>(code));
}

bool is_python_space(char32_t code) {
  if (code <= 0x20) return code == 0x20 || (code >= 0x09 && code <= 0x0D) || (code >= 0x1C && code <= 0x1F);
  return code == 0x85 || code == 0x2028 || code == 0x2029 || category(code) == "Zs";
}

bool is_odd_line_end(char32_t code) {
  return code == 0x0B || code == 0x0C || (code >= 0x1C && code <= 0x1E) || code == 0x85 || code == 0x2028 ||
         code == 0x2029;
}

bool is_invisible(char32_t code) {
  const std::string_view name = category(code);
  return name == "Cc" || (name == "Cf" && code != 0x200C && code != 0x200D);
}

bool is_odd_blank(char32_t code) {
  return code != ' ' && code != '\t' && (is_python_space(code) || is_invisible(code));
}

std::string find_odd_blank(std::string_view text, bool inside) {
  std::string odd;
  bool begun = false;
  for (size_t pos = 0; pos < text.size();) {
    const char32_t code = decode_utf8(text, pos);
    const bool found = is_odd_blank(code);
    if (!found && inside && !odd.empty()) return odd;
    if (found && odd.empty() && (begun || !inside)) {
      odd = fmt::format("U+{:04X}", static_cast<uint32_t>(code));
      if (!inside) return odd;
    }
    begun = begun || !found;
  }
  return inside ? "" : odd;
}

std::string_view without_outer_blanks(std::string_view text) {
  size_t begin = text.size(), end = 0;
  for (size_t pos = 0; pos < text.size();) {
    const size_t at = pos;
    const char32_t code = decode_utf8(text, pos);
    if (code == ' ' || code == '\t' || is_odd_blank(code)) continue;
    begin = std::min(begin, at);
    end = pos;
  }
  return begin < end ? text.substr(begin, end - begin) : std::string_view();
}

std::string with_plain_blanks(std::string_view text) {
  std::string result;
  bool pending = false;
  for (size_t pos = 0; pos < text.size();) {
    const size_t begin = pos;
    const char32_t code = decode_utf8(text, pos);
    if (is_python_space(code)) {
      pending = !result.empty();
    } else if (!is_invisible(code)) {
      if (pending) result += ' ';
      pending = false;
      result += text.substr(begin, pos - begin);
    }
  }
  return result;
}

std::string shown(std::string_view text, size_t most) {
  std::string result;
  for (size_t pos = 0; pos < text.size();) {
    if (pos >= most) return result + "...";
    const size_t begin = pos;
    const char32_t code = decode_utf8(text, pos);
    if (code == invalid_code) {
      result += fmt::format("<0x{:02x}>", static_cast<unsigned char>(text[pos++]));
    } else if (code != ' ' && (is_python_space(code) || category(code) == "Cc" || category(code) == "Cf")) {
      result += fmt::format("<U+{:04X}>", static_cast<uint32_t>(code));
    } else {
      result += text.substr(begin, pos - begin);
    }
  }
  return result;
}

bool is_case_ignorable(char32_t code) {
  constexpr std::u32string_view inside_words =
      U"'.:\u00B7\u0387\u055F\u05F4\u2018\u2019\u2024\u2027\uFE13\uFE52\uFE55\uFF07\uFF0E\uFF1A";
  const std::string_view name = category(code);
  return inside_words.find(code) != std::u32string_view::npos || name == "Mn" || name == "Me" ||
         name == "Cf" || name == "Lm" || name == "Sk";
}

bool is_cased(char32_t code) {
  const auto in = [&](char32_t first, char32_t last) { return code >= first && code <= last; };
  const std::string_view name = category(code);
  return name == "Lu" || name == "Ll" || name == "Lt" || code == 0xAA || code == 0xBA || in(0x2160, 0x217F) ||
         in(0x24B6, 0x24E9) || in(0x1F130, 0x1F149) || in(0x1F150, 0x1F169) || in(0x1F170, 0x1F189);
}

char32_t to_lower(char32_t code) {
  return static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(code)));
}

int combining_class(char32_t code) {
  return utf8proc_get_property(static_cast<utf8proc_int32_t>(code))->combining_class;
}

Decomposition decompose(char32_t code) {
  Decomposition result;
  utf8proc_int32_t codes[Decomposition::max_size];
  int boundary = 0;  // only used for grapheme breaking, which isn't asked for
  result.size = static_cast<int>(utf8proc_decompose_char(
      static_cast<utf8proc_int32_t>(code), codes, Decomposition::max_size, UTF8PROC_DECOMPOSE, &boundary));
  for (int i = 0; i < result.size; ++i) result.codes[i] = static_cast<char32_t>(codes[i]);
  return result;
}

}  // namespace gradus
