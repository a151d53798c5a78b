#include "tasks/text/line_batches.h"

#include <doctest/doctest.h>

#include <sstream>

#include "core/error.h"
#include "tests/files.h"

using namespace gradus;
using Lines = std::vector<std::string>;

TEST_CASE("lines come without a byte order mark and carriage returns, and with their numbers") {
  std::istringstream in("\xEF\xBB\xBFone\r\n\ntwo\xEF\xBB\xBF\nthree");
  LineBatches batches(in, "in");
  Lines lines;
  REQUIRE(batches.next(lines));
  CHECK(lines == Lines{"one", "", "two\xEF\xBB\xBF"});
  CHECK(batches.where(2) == "in:3");
  // More of the last line might come.
  REQUIRE(batches.next(lines));
  CHECK(lines == Lines{"three"});
  CHECK(batches.where(0) == "in:4");
  CHECK_FALSE(batches.next(lines));
  CHECK(lines.empty());
}

TEST_CASE("many lines come in batches, none twice and none lost") {
  std::string text;
  Lines all, found;
  for (int i = 1; i <= 200; ++i) all.push_back(std::to_string(i));
  for (const std::string& line : all) text += line + "\n";
  std::istringstream in(text);
  LineBatches batches(in, "in");
  for (Lines lines; batches.next(lines);) {
    CHECK(lines.size() <= 64);
    CHECK(std::to_string(batches.number(0)) == lines[0]);
    found.insert(found.end(), lines.begin(), lines.end());
  }
  CHECK(found == all);
}

TEST_CASE("a line that can't be read is found and counted, and the others come all the same") {
  std::istringstream nothing("");
  Lines lines;
  LineBatches none(nothing, "in");
  CHECK_FALSE(none.next(lines));
  CHECK(none.status(stderr) == 0);

  std::string text = "one\ntwo\n\xC3(\nthr";
  text += '\0';
  text += "ee\n" + std::string(longest_line + 1, 'x') + "\n" + std::string(longest_line, 'y') + "\nlast\n";
  std::istringstream in(text);
  LineBatches batches(in, "in");
  REQUIRE(batches.next(lines));
  CHECK(lines == Lines{"one", "two", "", "", "", std::string(longest_line, 'y'), "last"});
  CHECK(batches.fault(0).empty());
  CHECK(batches.fault(5).empty());
  CHECK(batches.error_line(2, false) == "error: line 3: invalid UTF-8 at byte 0: found 0xc3");
  CHECK(batches.error_line(3, true) == R"({"error":"line 4: a NUL byte (U+0000) at byte 3","line":4})");
  CHECK(batches.error_line(4, false) == "error: line 5: 16777217 bytes: at most 16777216 are read");
  // What a program finds wrong counts as well.
  batches.refuse(6, "not what is wanted");
  CHECK(batches.error_line(6, false) == "error: line 7: not what is wanted");
  CHECK_THROWS_AS(batches.refuse(6, "again"), Error);

  TemporaryFolder folder;
  const std::string path = (folder / "log").string();
  std::FILE* log = std::fopen(path.c_str(), "w");
  CHECK(batches.status(log) == exit_bad_lines);
  std::fclose(log);
  CHECK(file_content(path) ==
        "in: 4 of 7 lines could not be answered: each has an error in place of its answer\n");
}
