#include "tasks/line_batches.h"

#include <doctest/doctest.h>

#include <sstream>

#include "core/error.h"

using namespace gradus;
using Lines = std::vector<std::string>;

TEST_CASE("lines come without a byte order mark and carriage returns, and with their numbers") {
  std::istringstream in("\xEF\xBB\xBFone\r\n\ntwo\xEF\xBB\xBF\nthree");
  LineBatches batches(in, "in");
  Lines lines;
  REQUIRE(batches.next(lines));
  CHECK(lines == Lines{"one", "", "two\xEF\xBB\xBF", "three"});
  CHECK(batches.where(2) == "in:3");
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

TEST_CASE("no line, and lines that are not UTF-8") {
  std::istringstream nothing("");
  Lines lines;
  CHECK_FALSE(LineBatches(nothing, "in").next(lines));
  std::istringstream bad("one\ntwo\n\xC3(\n");
  LineBatches batches(bad, "in");
  try {
    batches.next(lines);
    FAIL("expected an error");
  } catch (const Error& e) {
    CHECK(std::string(e.what()).starts_with("in:3: "));
  }
}
