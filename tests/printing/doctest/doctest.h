// doctest, found before the library's own header of this name. By itself it prints the address of a text that is a pointer,
// "skipped: no shared file 0x55d0", where the text is meant. (Its DOCTEST_CONFIG_TREAT_CHAR_STAR_AS_STRING does not compile
// in version 2.4.9.)
#pragma once

#include_next <doctest/doctest.h>

namespace doctest {

template <>
struct StringMaker<const char*> {
  static String convert(const char* text) { return text == nullptr ? "nullptr" : text; }
};

template <>
struct StringMaker<char*> : StringMaker<const char*> {};

}  // namespace doctest
