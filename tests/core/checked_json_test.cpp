#include "core/io/checked_json.h"

#include <doctest/doctest.h>
#include <time.h>

#include <algorithm>
#include <limits>

#include "core/error.h"
#include "tests/files.h"
#include "tests/json.h"

using namespace gradus;

namespace {

constexpr int64_t max_int = std::numeric_limits<int64_t>::max(),
                  min_int = std::numeric_limits<int64_t>::min();

// Processor time of this thread that parsing takes, the least of three tries.
template <typename Parse>
double seconds(const std::string& text, const Parse& parse) {
  const auto now = [] {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
  };
  double least = std::numeric_limits<double>::infinity();
  for (int i = 0; i < 3; ++i) {
    const double begin = now();
    parse(text);
    least = std::min(least, now() - begin);
  }
  return least;
}

// An object of that many members, each an empty object.
std::string many_members(int count) {
  std::string text = "{";
  for (int i = 0; i < count; ++i) text += fmt::format("{}\"m{}\":{{}}", i > 0 ? "," : "", i);
  return text + "}";
}

}  // namespace

TEST_CASE("json: a text is read to the value that it stands for") {
  const std::pair<const char*, Json> values[] = {
      {"null", nullptr},
      {" true\n", true},
      {"-3", -3},
      {"9223372036854775807", max_int},
      {"-9223372036854775808", min_int},
      {"18446744073709551615", std::numeric_limits<uint64_t>::max()},
      {"18446744073709551616", 0x1p64},
      {"1.5e3", 1500},
      {"\"\\u00e4\\ud83d\\ude00\\n\"", "\u00e4\U0001F600\n"},
      {"[]", Json::array()},
      {"{}", Json::object()},
      {"[1, [2, {\"a\": []}], {}]",
       Json::array({1, Json::array({2, Json{{"a", Json::array()}}}), Json::object()})},
      {"{\"b\": {\"d\": 1, \"c\": [true, {\"x\": null}]}, \"a\": \"\"}",
       {{"a", ""}, {"b", {{"c", Json::array({true, Json{{"x", nullptr}}})}, {"d", 1}}}}}};
  for (const auto& [text, value] : values) CHECK(parse_json(text, "t") == value);
  CHECK(json_of("18446744073709551615").is_integer());
  CHECK_FALSE(json_of("18446744073709551616").is_integer());
  for (const char* bad : {"", "{", "[1,]", "1 2", "{\"a\":1e999}", "\"\xff\"", "\"\\ud800\"", "nul"})
    CHECK(error_of([&] { parse_json(bad, "t"); }).starts_with("t: invalid JSON: "));
  CHECK(error_of([] { parse_json("{\"a\":{\"b\":1,\"b\":2}}", "t"); }) ==
        "t: the name 'b' occurs twice in one JSON object");
}

TEST_CASE("json: nesting has a bound") {
  const auto nested = [](size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  CHECK(parse_json(nested(64), "t").is_array());
  CHECK(error_of([&] { parse_json(nested(65), "t"); }) == "t: JSON nested deeper than 64");
  CHECK(error_of([&] { parse_json(std::string(1'000'000, '['), "t"); }) == "t: JSON nested deeper than 64");
}

TEST_CASE("json: time is in proportion to the number of members") {
  const auto read = [](const std::string& text) { parse_json(text, "t"); };
  // With the square, eight times the members would take 64 times as long.
  CHECK(seconds(many_members(64'000), read) < 24 * seconds(many_members(8'000), read));
}

TEST_CASE("json: objects are taken out of a text that comes in pieces") {
  const std::string text = R"({"a": [{"b": 1}, {"b": 2, "c": {"d": 3}}, 7], "e": {"b": 4}})";
  for (const size_t size : {size_t{1}, size_t{7}, text.size()}) {
    size_t at = 0;
    const auto next = [&] {
      const std::string_view piece = std::string_view(text).substr(at, size);
      at += piece.size();
      return piece;
    };
    std::vector<std::string> seen;
    const Json left = parse_json(next, "t", [&](std::span<const std::string> path, Json& object) {
      std::string names;
      for (const std::string& name : path) names += "/" + name;
      seen.push_back(names + " " + json_text(object));
      return object.contains("b");
    });
    CHECK(seen == std::vector<std::string>{R"(//a/ {"b":1})", R"(//a//c {"d":3})",
                                           R"(//a/ {"b":2,"c":{"d":3}})", R"(//e {"b":4})",
                                           R"(/ {"a":[7]})"});
    CHECK(left == json_of(R"({"a": [7]})"));
  }
}

TEST_CASE("json: a text without an end ends when nothing in it can be taken out") {
  const std::string piece(size_t{1} << 16, 'a');
  bool begun = false;
  const auto next = [&] {
    const std::string_view part = begun ? piece : std::string_view("{\"a\": \"");
    begun = true;
    return part;
  };
  const auto take = [](std::span<const std::string>, Json&) { return true; };
  CHECK(error_of([&] {
          parse_json(next, "t", take, uint64_t{1} << 20);
        }).find("bytes of JSON with no object") != std::string::npos);
}

TEST_CASE("json: a name that occurs twice is refused, also when the first object was taken out") {
  bool begun = false;
  const auto next = [&] { return std::exchange(begun, true) ? std::string_view() : R"({"a": {}, "a": {}})"; };
  const auto take = [](std::span<const std::string>, Json&) { return true; };
  CHECK(error_of([&] { parse_json(next, "t", take); }) == "t: the name 'a' occurs twice in one JSON object");
}

TEST_CASE("json: a field that is not what it should be is named, with what was found and expected") {
  const auto json = parse_json(
      R"({"yes": true, "n": 3, "x": 2.5, "big": 18446744073709551615,
          "least": -9223372036854775808, "most": 9223372036854775807, "past": 9223372036854775808, "t": "word",
          "list": [1, "a"], "o": {"p": null}})",
      "t");
  const JsonField root(json, "s.json");
  CHECK(root.at("yes").boolean());
  CHECK(root.at("n").integer(1, 3) == 3);
  CHECK(root.at("n").number() == 3);
  CHECK(root.at("least").integer() == min_int);
  CHECK(root.at("most").integer() == max_int);
  CHECK(root.at("t").text() == "word");
  CHECK(root.at("o").members().front().first == "p");
  CHECK_FALSE(root.find("none"));
  const auto error = [&](const auto& use) { return error_of([&] { use(root); }); };
  CHECK(error([](const JsonField& f) { f.at("n").boolean(); }) == "s.json: 'n' is 3, expected true or false");
  CHECK(error([](const JsonField& f) { f.at("n").integer(4); }) ==
        "s.json: 'n' is 3, expected a whole number of 4 or more");
  CHECK(error([](const JsonField& f) { f.at("n").integer(4, 9); }) ==
        "s.json: 'n' is 3, expected a whole number from 4 to 9");
  CHECK(error([](const JsonField& f) { f.at("x").integer(); }) ==
        "s.json: 'x' is 2.5, expected a whole number");
  CHECK(error([](const JsonField& f) { f.at("big").integer(); }) ==
        "s.json: 'big' is 18446744073709551615, expected a whole number");
  CHECK(error([](const JsonField& f) { f.at("past").integer(0); }) ==
        "s.json: 'past' is 9223372036854775808, expected a whole number of 0 or more");
  CHECK(error([](const JsonField& f) { f.at("t").number(); }) ==
        "s.json: 't' is \"word\", expected a number");
  CHECK(error([](const JsonField& f) { f.at("list").numbers(); }) ==
        "s.json: 'list[1]' is \"a\", expected a number");
  CHECK(error([](const JsonField& f) { f.at("o").at("p").text(); }) ==
        "s.json: 'o.p' is null, expected a string");
  CHECK(error([](const JsonField& f) { f.at("o").at("q"); }) == "s.json: 'o.q' is missing");
  CHECK(error([](const JsonField& f) { f.at("t").at("q"); }) ==
        "s.json: 't' is \"word\", expected an object");
  CHECK(error([](const JsonField& f) { f.at("o").items(); }) ==
        "s.json: 'o' is {\"p\":null}, expected a list");
  CHECK(error_of([] {
          const Json list = Json::array({std::string(200, 'a')});
          JsonField(list, "s.json").members();
        }) == "s.json: the JSON is [\"" + std::string(78, 'a') + "..., expected an object");
}

TEST_CASE("json: a file that is none says what it is") {
  const TemporaryFolder folder;
  const std::string page = folder.write("config.json", "<!DOCTYPE html>\n<html></html>\n"),
                    large = folder.write("large.json", "[" + std::string(100, ' ') + "]");
  CHECK(error_of([&] { read_json(page); }).starts_with(page + ": a web page, expected JSON: "));
  CHECK(error_of([&] { read_json(large, 50); }) == large + ": larger than 50 bytes");
  CHECK(read_json(large).empty());
}
