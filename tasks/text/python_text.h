// What Python does with text, where results have to be equal to those of programs written in it.
#pragma once

#include <string>
#include <string_view>

#include "data/unicode.h"

namespace gradus {

// The code points of a text. Throws Error on invalid UTF-8.
std::u32string decode(std::string_view text);
std::string encode(std::u32string_view codes);

// str.lower(): a capital sigma at the end of a word becomes the final one, the dotted capital I an i and a dot.
std::u32string python_lower(std::u32string_view text);

// \w in a regular expression: letters and numbers of all scripts, and the underscore, but no accents by themselves.
bool is_python_word(char32_t code);

// repr() of a float, and what json.dumps writes: the shortest digits that give it back. Throws Error unless it is
// finite.
std::string python_float(double value);
// json.dumps() of a string: ASCII. Throws Error on invalid UTF-8.
std::string python_json(std::string_view text);

}  // namespace gradus
