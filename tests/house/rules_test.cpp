// The project keeps the rules of its house, and each rule can be broken.
#include "tests/house/rules.h"

#include <doctest/doctest.h>

#include <fstream>
#include <sstream>

#include "core/joined.h"
#include "tests/files.h"

using namespace gradus;
using namespace gradus::house;

namespace {

using Texts = std::vector<std::string>;

constexpr size_t usual_lines = 300, most_lines = 500;

const std::vector<SourceFile>& project() {
  static const std::vector<SourceFile> sources = read_sources(source_file("."));
  return sources;
}

// A file of a made-up tree.
SourceFile file(std::string path, const std::string& text) {
  SourceFile made{std::move(path), {}};
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) made.lines.push_back(line);
  return made;
}

// What the rules find, one problem a line.
std::string said(const Texts& problems) { return joined(problems, "\n").str(); }

SourceFile long_file(std::string path, size_t lines) { return {std::move(path), Texts(lines, "int x;")}; }

// Two rooms over one, and the tests.
const std::vector<Room> rooms = parse_rooms("low:\nleft: low\nright: low\ntests/**: *\n");

}  // namespace

TEST_CASE("the project keeps the rules of the house") {
  CHECK(project().size() > 500);
  CHECK(said(check_room_order(project_rooms())) == "");
  CHECK(said(check_includes(project(), project_rooms())) == "");
  CHECK(said(check_costly_headers(project(), costly_headers())) == "");
  CHECK(said(check_cycles(project())) == "");
  CHECK(said(check_own_header_first(project())) == "");
  CHECK(said(check_lengths(project(), usual_lines, most_lines)) == "");
}

TEST_CASE("a table of rooms is read line by line, and its order is what they may use") {
  const std::vector<Room> read = parse_rooms("# rooms\na:\n\nb/**: a  # all below\n   c.h\n");
  REQUIRE(read.size() == 2);
  CHECK(read[0].name == "a");
  CHECK(said(read[0].may) == "");
  CHECK(read[1].name == "b/**");
  CHECK(read[1].may == Texts{"a", "c.h"});
  CHECK(error_of([] { parse_rooms("a b\n"); }) == "'a b': expected a line that begins a room, 'name: ...'");

  CHECK(said(check_room_order(parse_rooms("a:\nb: a c/d.h *\nc: a b"))) == "");
  CHECK(said(check_room_order(parse_rooms("a:\nb: a c\nc:"))) ==
        "room 'b' may include 'c': expected one of the rooms before it, a");
  CHECK(said(check_room_order(parse_rooms("a:\nb: b\na:"))) ==
        "room 'b' may include 'b': expected one of the rooms before it, a\nroom 'a' is there twice");
}

TEST_CASE("a file includes those of its room and of the rooms that it may use") {
  const SourceFile low = file("low/a.h", ""),
                   left = file("left/a.h", "#include \"low/a.h\"\n#include <vector>\n");
  CHECK(said(check_includes({low, left, file("left/a.cpp", "#include \"left/a.h\"\n")}, rooms)) == "");
  CHECK(said(check_includes(
            {low, left, file("right/b.cpp", "// Text.\n  #  include \"left/a.h\"  // for a\n")}, rooms)) ==
        "right/b.cpp:2: #include \"left/a.h\": expected a file of low, right");
  // Signs of another kind don't get around it.
  CHECK(said(check_includes({low, left, file("low/b.cpp", "#include <left/a.h>")}, rooms)) ==
        "low/b.cpp:1: #include <left/a.h>: expected a file of low");
  CHECK(said(check_includes(
            {low, left, file("low/b.cpp", "// #include \"left/a.h\"\nchar c[] = \"#include\";")}, rooms)) ==
        "");
}

TEST_CASE("tests include everything, nobody includes tests") {
  const SourceFile low = file("low/a.h", ""), help = file("tests/help.h", "");
  CHECK(said(check_includes(
            {low, help, file("tests/low/a.cpp", "#include \"low/a.h\"\n#include \"tests/help.h\"")},
            rooms)) == "");
  CHECK(said(check_includes({help, file("left/a.cpp", "#include \"tests/help.h\"")}, rooms)) ==
        "left/a.cpp:1: #include \"tests/help.h\": expected a file of low, left");
}

TEST_CASE("a folder without a room is found, and a path that is none") {
  CHECK(said(check_includes({file("low/below/a.h", "")}, rooms)) ==
        "low/below/a.h: its folder is no room of the house: give it a line in tests/house/rooms.cpp");
  CHECK(said(check_includes({file("low/a.h", ""), file("low/a.cpp", "#include \"a.h\"")}, rooms)) ==
        "low/a.cpp:1: #include \"a.h\": expected the path of a file of ours, from the project's folder");
  CHECK(said(check_includes({file("low/a.sh", ""), file("scripts/a.py", "#include \"a.h\"")}, rooms)) == "");
}

TEST_CASE("one file of a closed room may be used as long as it is") {
  const std::vector<Room> with_exception = parse_rooms("low: high/a.h\nhigh: low");
  const SourceFile open = file("high/a.h", ""), closed = file("high/b.h", "");
  const SourceFile uses_open = file("low/a.cpp", "#include \"high/a.h\"");
  CHECK(said(check_includes({open, closed, uses_open}, with_exception)) == "");
  CHECK(said(check_includes({open, closed, uses_open, file("low/b.cpp", "#include \"high/b.h\"")},
                            with_exception)) ==
        "low/b.cpp:1: #include \"high/b.h\": expected a file of high/a.h, low");
  CHECK(said(check_includes({open, closed}, with_exception)) ==
        "room 'low' may include 'high/a.h', and does not: take it off its line");
}

TEST_CASE("a header that takes long to compile has its users") {
  const std::vector<CostlyHeader> costly{{"big/all.h", {"low/a.cpp"}, "low/a.h"}};
  const SourceFile user = file("low/a.cpp", "#include <big/all.h>");
  CHECK(said(check_costly_headers({user, file("low/b.cpp", "#include <big/some.h>")}, costly)) == "");
  CHECK(
      said(check_costly_headers({user, file("low/b.cpp", "#include <map>\n#include <big/all.h>")}, costly)) ==
      "low/b.cpp:2: #include <big/all.h>: it takes seconds to compile: expected low/a.h instead");
  CHECK(said(check_costly_headers({file("low/a.cpp", "")}, costly)) ==
        "low/a.cpp may include big/all.h, and does not: take it off its list");
}

TEST_CASE("files that include one another in a circle are found") {
  const SourceFile a = file("low/a.h", "#include \"low/b.h\""), b = file("low/b.h", "#include \"low/c.h\"");
  CHECK(said(check_cycles({a, b, file("low/c.h", "")})) == "");
  CHECK(said(check_cycles({a, b, file("low/c.h", "#include \"low/b.h\"")})) ==
        "low/b.h -> low/c.h -> low/b.h: expected no circle of includes");
  CHECK(said(check_cycles({file("low/a.h", "#include \"low/a.h\"")})) ==
        "low/a.h -> low/a.h: expected no circle of includes");
  // Two ways to one file are no circle.
  CHECK(said(check_cycles({file("a.h", ""), file("b.h", "#include \"a.h\""),
                           file("c.h", "#include \"a.h\"\n#include \"b.h\"")})) == "");
}

TEST_CASE("a source includes its own header first") {
  const SourceFile header = file("low/a.h", "");
  CHECK(said(check_own_header_first(
            {header, file("low/a.cpp", "// A.\n#include \"low/a.h\"\n#include <map>")})) == "");
  CHECK(said(check_own_header_first({header, file("low/main.cpp", "#include <map>\n")})) == "");
  const char* late = "low/a.cpp: expected #include \"low/a.h\" before all others";
  CHECK(said(check_own_header_first({header, file("low/a.cpp", "#include <map>\n#include \"low/a.h\"\n")})) ==
        late);
  CHECK(said(check_own_header_first({header, file("low/a.cpp", "")})) == late);
}

TEST_CASE("no file is longer than the longest allowed, nine in ten are as long as usual") {
  std::vector<SourceFile> files;
  for (int i = 0; i < 9; ++i) files.push_back(long_file("usual.cpp", 300));
  files.push_back(long_file("long.cpp", 500));
  CHECK(said(check_lengths(files, 300, 500)) == "");
  files.back() = long_file("long.cpp", 501);
  CHECK(said(check_lengths(files, 300, 500)) == "long.cpp: 501 lines, expected at most 500");
  files.back() = long_file("long.cpp", 500);
  files.front() = long_file("other.py", 301);
  CHECK(said(check_lengths(files, 300, 500)) == "9 of 10 files have up to 301 lines, expected at most 300");
  CHECK(said(check_lengths({}, 300, 500)) == "");
}

TEST_CASE("sources are those of the project, not of what is built in it") {
  const TemporaryFolder folder;
  for (const char* path : {"a/b.h", "a/c.txt", "a/build/d.py", "build-x/e.h", ".git/f.sh", "g.sh"}) {
    std::filesystem::create_directories((folder / path).parent_path());
    std::ofstream(folder / path) << "one\ntwo\n";
  }
  Texts paths;
  for (const SourceFile& source : read_sources(folder.path())) {
    paths.push_back(source.path);
    CHECK(source.lines == Texts{"one", "two"});
  }
  CHECK(paths == Texts{"a/b.h", "a/build/d.py", "g.sh"});
}
