// Text of unknown origin, made fit to be shown: on a terminal, in columns.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gradus {

// Stands for what can't be shown: U+FFFD.
constexpr char32_t replacement_code = 0xFFFD;

// The code point at text[pos], which must exist; moves `pos` behind it. A byte that isn't part of valid UTF-8
// gives replacement_code.
char32_t next_code(std::string_view text, size_t& pos);

// The text as a terminal can show it on one line: white space as blanks; control characters, those that turn
// the direction of what follows, and invalid bytes as replacement_code.
std::string printable_text(std::string_view text);

// Columns that a terminal takes to show a printable text: two for each Chinese character, none for combining
// marks (Unicode, annex 11, "East Asian Width").
int text_width(std::string_view text);

// The printable text in at most `width` columns, its end replaced by "…" where it is wider; `width` must be
// positive.
std::string cut_text(std::string_view text, int width);

// The text with blanks behind it, or before it, until it is `width` columns wide.
std::string pad_right(std::string_view text, int width);
std::string pad_left(std::string_view text, int width);

}  // namespace gradus
