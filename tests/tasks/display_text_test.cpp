#include "tasks/text/display_text.h"

#include <doctest/doctest.h>

using namespace gradus;

TEST_CASE("the columns that text takes") {
  CHECK(text_width("") == 0);
  CHECK(text_width("abc") == 3);
  CHECK(text_width("体育") == 4);
  CHECK(text_width("ａ") == 2);       // full width
  CHECK(text_width("e\u0301") == 1);  // a combining accent
  CHECK(text_width("\xFF") == 1);     // shown as U+FFFD
  CHECK(pad_right("体", 4) == "体  ");
  CHECK(pad_left("体", 4) == "  体");
  CHECK(pad_left("体育", 1) == "体育");
}

TEST_CASE("text is cut by columns") {
  CHECK(cut_text("abc", 3) == "abc");
  CHECK(cut_text("abcd", 3) == "ab…");
  CHECK(cut_text("体育新闻", 8) == "体育新闻");
  CHECK(cut_text("体育新闻", 7) == "体育新…");
  CHECK(cut_text("体育新闻", 6) == "体育…");
  CHECK(cut_text("体", 1) == "…");
}

TEST_CASE("what a terminal would obey, or can't show, is replaced") {
  CHECK(printable_text("a\tb\nc") == "a b c");
  CHECK(printable_text("\x1B[31m") == "\uFFFD[31m");
  CHECK(printable_text(std::string("\0", 1)) == "\uFFFD");
  CHECK(printable_text("a\u202Eb") == "a\uFFFDb");
  CHECK(printable_text("a\xFF\xE4\xBD") == "a\uFFFD\uFFFD\uFFFD");
  CHECK(printable_text("👩‍💻 été") == "👩‍💻 été");
}
