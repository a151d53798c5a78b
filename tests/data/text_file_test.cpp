// Where lines end, what text is refused, and how messages show what can't be seen.
#include "data/text_file.h"

#include <doctest/doctest.h>

#include <sstream>

#include "core/error.h"
#include "data/unicode.h"
#include "data/vocab.h"
#include "tests/data/files.h"

using namespace gradus;
using gradus::test::TempFile;
using Strings = std::vector<std::string>;
using namespace std::string_literals;

namespace {

// Gives its text a few bytes at a time, as a slow pipe does.
class Drip : public std::streambuf {
 public:
  Drip(std::string text, size_t step) : text_(std::move(text)), step_(step) {}

 protected:
  int_type underflow() override {
    if (at_ == text_.size()) return traits_type::eof();
    const size_t count = std::min(step_, text_.size() - at_);
    setg(text_.data() + at_, text_.data() + at_, text_.data() + at_ + count);
    at_ += count;
    return traits_type::to_int_type(*gptr());
  }

 private:
  std::string text_;
  size_t step_, at_ = 0;
};

// A file of holes: bytes without an end, and no line among them.
class EndlessBuffer : public std::streambuf {
 public:
  size_t given() const { return given_; }

 protected:
  int_type underflow() override {
    setg(text_.data(), text_.data(), text_.data() + text_.size());
    given_ += text_.size();
    return traits_type::to_int_type(*gptr());
  }

 private:
  std::string text_ = std::string(1 << 16, 'x');
  size_t given_ = 0;
};

Strings all_lines(LineReader& reader) {
  Strings lines;
  for (std::string_view line; reader.next(line);) lines.emplace_back(line);
  CHECK(reader.line_number() == static_cast<int64_t>(lines.size()));
  return lines;
}

Strings lines_of(std::string_view bytes, LineEnds ends = LineEnds::any) {
  const TempFile file(bytes);
  LineReader reader(file.path(), ends);
  return all_lines(reader);
}

std::string utf16(const std::u16string& text, bool big) {
  std::string bytes;
  for (const char16_t unit : text) {
    const char high = static_cast<char>(unit >> 8), low = static_cast<char>(unit & 0xFF);
    bytes += big ? std::string{high, low} : std::string{low, high};
  }
  return bytes;
}

}  // namespace

TEST_CASE("lines end at LF, CR LF and CR alone, in turns, however the bytes come") {
  const std::string text = "\xEF\xBB\xBFone\rtwo\r\n\r\nthree\n\n\r\rfour\u2028\u0085\x0B\x0C five\r";
  const Strings expected{"one", "two", "", "three", "", "", "", "four\u2028\u0085\x0B\x0C five"};
  CHECK(lines_of(text) == expected);
  CHECK(lines_of(test::gzipped(text)) == expected);
  CHECK(lines_of(text + "\n") == expected);
  CHECK(lines_of(text + "last").back() == "last");
  for (size_t step = 1; step < 9; ++step) {
    CAPTURE(step);
    Drip drip(text, step);
    std::istream in(&drip);
    LineReader reader(in, "in");
    CHECK(all_lines(reader) == expected);
  }
  CHECK(lines_of("").empty());
  CHECK(lines_of("\r") == Strings{""});
  // Longer than what is read at a time.
  const std::string wide(300000, 'x');
  CHECK(lines_of(wide + "\r" + wide + "\r\n" + wide) == Strings{wide, wide, wide});
}

TEST_CASE("a line of a stream is there when its last byte has come") {
  Drip drip("one\rtwo\r\nthree", 4);  // "one\r", "two\r", "\nthr", "ee"
  std::istream in(&drip);
  LineReader reader(in, "in");
  std::string_view line;
  CHECK_FALSE(reader.is_ready());
  REQUIRE(reader.next(line));
  CHECK(line == "one");
  CHECK_FALSE(reader.is_ready());
  REQUIRE(reader.next(line));
  CHECK(line == "two");
  CHECK_FALSE(reader.is_ready());  // a line feed may still come, which is no line
  REQUIRE(reader.next(line));
  CHECK(line == "three");
  reader.unread();
  CHECK(reader.is_ready());
  REQUIRE(reader.next(line));
  CHECK(line == "three");
  CHECK(reader.where() == "in:3");
  CHECK_FALSE(reader.next(line));
  std::istringstream several("a\nb\nc");
  LineReader ready(several, "in");
  REQUIRE(ready.next(line));
  CHECK(ready.is_ready());
}

TEST_CASE("what is no UTF-8 text is refused with its place") {
  const auto refused = [](std::string_view bytes, const std::string& message, LineEnds ends = LineEnds::any) {
    const TempFile file(bytes);
    LineReader reader(file.path(), ends);
    CHECK_THROWS_WITH_AS(all_lines(reader), file.error(message).c_str(), Error);
  };
  refused("a\nb\xC3\n", ":2: invalid UTF-8 at byte 1: found 0xc3");
  refused("a\rb\0c\r"s, ":2: a NUL byte (U+0000) at byte 1");
  refused("a\nb\rc\n", ":2: a carriage return (U+000D) at byte 1: expected lines that end with LF or CR LF",
          LineEnds::lf);
  const auto wide = [&](const std::string& bytes, const std::string& name) {
    refused(bytes, fmt::format(": this is text in {}: expected UTF-8, which iconv -f {} -t UTF-8 makes of it",
                               name, name));
  };
  for (const bool big : {false, true}) {
    const std::string name = big ? "UTF-16BE" : "UTF-16LE";
    wide(utf16(u"\uFEFFanna B-PER\n", big), name);
    wide(utf16(u"anna B-PER\n", big), name);
    wide(utf16(u"北京很好，天气也很好，我们都去了公园\n南京也好\n", big), name);
  }
  wide("a\0\0\0b\0\0\0\n\0\0\0"s, "UTF-32LE");
  wide("\0\0\0a\0\0\0b\0\0\0\n"s, "UTF-32BE");
  wide("\xFF\xFE\0\0a\0\0\0"s, "UTF-32LE");
  // One NUL byte in other text is no sign of it.
  refused("anna lives in a town\nand b\0ris too\n"s, ":2: a NUL byte (U+0000) at byte 5");
}

TEST_CASE("a line that is refused does not stand in the way of the next") {
  std::istringstream in("one\ntw\xFF\nthree\n");
  LineReader reader(in, "in");
  std::string_view line;
  REQUIRE(reader.next_bytes(line));
  REQUIRE(reader.next_bytes(line));
  CHECK_THROWS_WITH_AS(reader.check_line(), "in:2: invalid UTF-8 at byte 2: found 0xff", Error);
  REQUIRE(reader.next(line));
  CHECK(line == "three");
  std::istringstream wide(std::string(longest_line + 1, 'x') + "\rshort\n" + std::string(longest_line, 'y'));
  LineReader bounded(wide, "in");
  REQUIRE(bounded.next_bytes(line));
  CHECK_THROWS_WITH_AS(bounded.check_line(), "in:1: 16777217 bytes: at most 16777216 are read", Error);
  REQUIRE(bounded.next(line));
  CHECK(line == "short");
  REQUIRE(bounded.next(line));
  CHECK(line.size() == longest_line);
}

TEST_CASE("lines without an end are refused before all of them is read") {
  EndlessBuffer endless;
  std::istream in(&endless);
  LineReader reader(in, "in");
  std::string_view line;
  CHECK_THROWS_WITH_AS(reader.next(line), "in:1: a line of more than 16777216 bytes", Error);
  CHECK(endless.given() < 2 * longest_line);
}

TEST_CASE("vocabularies: any character can be a token, and empty lines at the end are none") {
  const std::string special = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";
  const Vocab vocab = Vocab::load(TempFile(special + "\u3000\n\u2028\n\na\n\n\n").path());
  CHECK(vocab.size() == 9);
  CHECK(vocab.find("\u2028") == 6);
  CHECK(vocab.find("a") == 8);
  const TempFile old("[PAD]\r[UNK]\r[CLS]\r[SEP]\r[MASK]\r");
  CHECK_THROWS_WITH_AS(
      Vocab::load(old.path()),
      old.error(":1: a carriage return (U+000D) at byte 5: expected lines that end with LF or CR LF").c_str(),
      Error);
}

TEST_CASE("messages show what can't be seen") {
  CHECK(shown("a b") == "a b");
  CHECK(shown("a\u00A0b\tc\u3000\u200B\uFEFF\r\u2028") ==
        "a<U+00A0>b<U+0009>c<U+3000><U+200B><U+FEFF><U+000D><U+2028>");
  CHECK(shown("é\xFFx") == "é<0xff>x");
  CHECK(shown("abcdef", 3) == "abc...");
  CHECK(find_odd_blank("a b\tc").empty());
  CHECK(find_odd_blank("\u00A0a") == "U+00A0");
  CHECK(find_odd_blank("\u00A0a\u3000", true).empty());
  CHECK(find_odd_blank("\u00A0a\u3000b", true) == "U+3000");
}
