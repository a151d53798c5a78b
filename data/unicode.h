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

// Throws Error "<where>: invalid UTF-8 at byte <n> ..." unless the text is valid.
void check_utf8(std::string_view text, std::string_view where);

void append_utf8(std::string& text, char32_t code);

// The code points of a valid text, each as its bytes. Throws Error on invalid UTF-8.
std::vector<std::string_view> split_characters(std::string_view text);

// General category in two letters: "Lu", "Mn", "Cc"; "Cn" when unassigned.
std::string_view category(char32_t code);

// Whether Python's str.isspace() says yes: what str.split() parts words at.
bool is_python_space(char32_t code);

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
