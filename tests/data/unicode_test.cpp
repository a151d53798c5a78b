#include "data/unicode.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

#include "core/error.h"
#include "data/text_file.h"
#include "tests/data/files.h"

using namespace gradus;
using gradus::test::TempFile;

TEST_CASE("every code point survives encoding and decoding") {
  int count = 0;
  for (char32_t code = 0; code <= 0x10FFFF; ++code) {
    if (code >= 0xD800 && code < 0xE000) continue;
    std::string text;
    append_utf8(text, code);
    size_t pos = 0;
    count += decode_utf8(text, pos) == code && pos == text.size() ? 1 : 0;
  }
  CHECK(count == 0x110000 - 0x800);
}

TEST_CASE("invalid UTF-8 is found at its first byte") {
  const auto invalid_at = [](std::string_view text) { return find_invalid_utf8(text); };
  CHECK(invalid_at("plain ascii, longer than a block") == std::string_view::npos);
  CHECK(invalid_at("caf\xC3\xA9 \xE4\xB8\xAD \xF0\x9F\x98\x80") == std::string_view::npos);
  CHECK(invalid_at("0123456789\xFFzzzzzzzzzz") == 10);
  for (const char* bad : {"\x80", "\xC3", "\xC3(", "\xC0\xAF", "\xC1\xBF", "\xE0\x80\xAF", "\xE4\xB8",
                          "\xE4\xB8(", "\xED\xA0\x80", "\xED\xBF\xBF", "\xF0\x80\x80\x80", "\xF4\x90\x80\x80",
                          "\xF5\x80\x80\x80", "\xF0\x9F\x98", "\xF8\x88\x80\x80\x80", "\xFE", "\xFF"}) {
    CAPTURE(bad);
    CHECK(invalid_at(std::string("ab") + bad) == 2);
  }
  CHECK_THROWS_WITH_AS(check_utf8("ok \xFF", "here"), "here: invalid UTF-8 at byte 3: found 0xff", Error);
  CHECK_THROWS_AS((void)split_characters("a\xC3"), Error);
  CHECK(split_characters("a中é").size() == 3);
}

TEST_CASE("categories, lower case and decompositions") {
  CHECK(category(U'A') == "Lu");
  CHECK(category(U'中') == "Lo");
  CHECK(category(0x301) == "Mn");
  CHECK(category(0x378) == "Cn");
  CHECK(to_lower(U'É') == U'é');
  CHECK(to_lower(U'中') == U'中');
  const Decomposition parts = decompose(U'ǖ');  // u, diaeresis, macron: through two levels
  REQUIRE(parts.size == 3);
  CHECK(parts.codes[0] == U'u');
  CHECK(parts.codes[2] == 0x304);
  CHECK(decompose(U'한').size == 3);
  int longest = 0;
  for (char32_t code = 0; code <= 0x10FFFF; ++code) longest = std::max(longest, decompose(code).size);
  CHECK(longest == Decomposition::max_size);
  CHECK(combining_class(0x301) == 230);
  CHECK(combining_class(U'a') == 0);
}

TEST_CASE("lines end at LF, a BOM and CR are dropped, the last line needs no end") {
  const auto lines = [](const TempFile& file) {
    std::vector<std::string> result;
    LineReader reader(file.path());
    for (std::string_view line; reader.next(line);) result.emplace_back(line);
    CHECK(reader.line_number() == static_cast<int64_t>(result.size()));
    return result;
  };
  using Lines = std::vector<std::string>;
  CHECK(lines(TempFile("")) == Lines{});
  CHECK(lines(TempFile("\n")) == Lines{""});
  CHECK(lines(TempFile("a\n\nb")) == Lines{"a", "", "b"});
  CHECK(lines(TempFile("\xEF\xBB\xBF"
                       "a\r\nb\r\n")) == Lines{"a", "b"});
  CHECK(lines(TempFile("a\u2028b\u0085c\x0b\x0c\n")) == Lines{"a\u2028b\u0085c\x0b\x0c"});
  const std::string long_line(1'000'000, 'x');
  CHECK(lines(TempFile(long_line + "\n" + long_line + "\nend")) == Lines{long_line, long_line, "end"});
  CHECK(lines(TempFile(test::gzipped("a\nb\n"), ".gz")) == Lines{"a", "b"});
  CHECK(lines(TempFile(test::gzipped("a\nb\n") + test::gzipped("c"), ".gz")) == Lines{"a", "b", "c"});
}

TEST_CASE("unreadable files are refused with their place") {
  CHECK_THROWS_WITH_AS(LineReader("no_such_file.txt"),
                       "no_such_file.txt: can't be opened: No such file or directory", Error);
  const auto read_all = [](const std::string& path) {
    LineReader reader(path);
    for (std::string_view line; reader.next(line);) continue;
  };
  CHECK_THROWS_AS(read_all(std::filesystem::temp_directory_path().string()), Error);
  const TempFile invalid("good\nb\xC3 d\n");
  CHECK_THROWS_WITH_AS(read_all(invalid.path()),
                       invalid.error(":2: invalid UTF-8 at byte 1: found 0xc3").c_str(), Error);
  std::string text;
  for (int i = 0; i < 3000; ++i) text += std::to_string(i * 7919) + "\n";
  const std::string whole = test::gzipped(text);
  for (const size_t size : {whole.size() - 1, whole.size() - 9, whole.size() / 2, size_t{30}}) {
    CAPTURE(size);
    const TempFile cut(whole.substr(0, size), ".gz");
    CHECK_THROWS_AS(read_all(cut.path()), Error);
  }
  std::string flipped = whole;
  flipped[whole.size() / 2] ^= 0x55;
  const TempFile damaged(flipped, ".gz");
  CHECK_THROWS_AS(read_all(damaged.path()), Error);
}

TEST_CASE("characters before bytes are counted in one walk") {
  const std::string text = "a王😀é";
  CharacterOffsets offsets(text);
  CHECK(offsets.before(0) == 0);
  CHECK(offsets.before(1) == 1);
  CHECK(offsets.before(4) == 2);
  CHECK(offsets.before(4) == 2);
  CHECK(offsets.before(text.size()) == 4);
  CHECK_THROWS_AS(offsets.before(1), Error);
}
