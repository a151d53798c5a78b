// UTF-8 and the few Unicode properties that tokenizing needs. Tables: utf8proc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gradus {

constexpr char32_t invalid_code = 0xFFFFFFFF;

// The code point at text[pos]; moves `pos` behind it. Strict: a stray or missing continuation byte, an
// overlong form, a surrogate or a value above U+10FFFF gives invalid_code and leaves `pos`. pos must be below
// text.size().
char32_t decode_utf8(std::string_view text, size_t& pos);

// Offset of the first byte that isn't part of valid UTF-8, or npos.
size_t find_invalid_utf8(std::string_view text);

// "invalid UTF-8 at byte <n>: found 0x<xx>"; empty for a valid text.
std::string utf8_fault(std::string_view text);

// Throws Error "<where>: " and the utf8_fault() unless the text is valid.
void check_utf8(std::string_view text, std::string_view where);

void append_utf8(std::string& text, char32_t code);

// The code points of a valid text, each as its bytes. Throws Error on invalid UTF-8.
std::vector<std::string_view> split_characters(std::string_view text);

// How many code points a valid text has.
int64_t count_characters(std::string_view text);

// Numbers of characters before bytes of a valid text that are asked for in ascending order: each byte is looked at once.
class CharacterOffsets {
 public:
  explicit CharacterOffsets(std::string_view text) : text_(text) {}
  // Throws Error when `byte` is before that of the last call, or behind the text.
  int64_t before(size_t byte);

 private:
  std::string_view text_;
  size_t byte_ = 0;
  int64_t characters_ = 0;
};

// General category in two letters: "Lu", "Mn", "Cc"; "Cn" when unassigned.
std::string_view category(char32_t code);

// Whether Python's str.isspace() says yes: what str.split() parts words at.
bool is_python_space(char32_t code);
// Whether it ends a line for some programs, though not for LineReader: VT, FF, FS, GS, RS, NEL, U+2028, U+2029.
bool is_odd_line_end(char32_t code);
// Whether a reader of the text does not see that it is there: control characters, those of no width (U+200B, U+FEFF),
// those that turn the direction of what follows. The joiners of words and emoji, U+200C and U+200D, have an effect.
bool is_invisible(char32_t code);
// Whether it is neither a space nor a tab and yet looks like a blank, or like nothing.
bool is_odd_blank(char32_t code);
// The first odd blank of a valid text as "U+00A0"; empty when it has none. Those at its ends don't count when `inside`.
std::string find_odd_blank(std::string_view text, bool inside = false);

// A valid text without blanks of any kind, and what is invisible, at its ends.
std::string_view without_outer_blanks(std::string_view text);
// A valid text as it looks: blanks of every kind as single spaces, none at its ends, nothing invisible.
std::string with_plain_blanks(std::string_view text);

// Text of any bytes as messages quote it: odd blanks, tabs and line ends as <U+00A0>, bytes that are no UTF-8 as
// <0xff>. Of more than `most` bytes the rest is "...".
std::string shown(std::string_view text, size_t most = std::string_view::npos);
// Several of them with commas between, 300 bytes or a little more.
template <typename Texts>
std::string shown_list(const Texts& texts) {
  std::string list;
  const char* separator = "";
  for (const std::string_view text : texts) {
    list.append(separator).append(text);
    separator = ", ";
  }
  return shown(list, 300);
}

// Case_Ignorable (The Unicode Standard 3.13, D136): looked through when the neighbours of a capital sigma are looked
// for.
bool is_case_ignorable(char32_t code);
// Cased (D135), of a code point that isn't case-ignorable.
bool is_cased(char32_t code);

// Simple lower-case mapping.
char32_t to_lower(char32_t code);

// Canonical combining class: 0 for a starter.
int combining_class(char32_t code);

// Full canonical decomposition (NFD) of one code point, without reordering.
struct Decomposition {
  static constexpr int max_size = 4;  // the longest there is
  char32_t codes[max_size];
  int size = 0;
};
Decomposition decompose(char32_t code);

}  // namespace gradus
