#include "core/io/json.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "core/error.h"
#include "tests/files.h"
#include "tests/json.h"

using namespace gradus;

namespace {

constexpr int64_t max_int = std::numeric_limits<int64_t>::max(),
                  min_int = std::numeric_limits<int64_t>::min();
constexpr uint64_t max_natural = std::numeric_limits<uint64_t>::max();

// One value of each kind.
std::vector<Json> kinds() {
  return {nullptr, true, -3, max_natural, 2.5, "a", Json::array({1}), Json{{"a", 1}}};
}

// The kinds of which something is asked in vain, separated by blanks; each has to say that it was expected to be
// another.
template <typename Ask>
std::string refused(const std::string& expected, const Ask& ask) {
  std::string names;
  for (Json& value : kinds()) {
    const std::string error = error_of([&] { ask(value); });
    if (error.empty()) continue;
    CHECK(error == fmt::format("a JSON {}, expected {}", value.type_name(), expected));
    names += (names.empty() ? "" : " ") + std::string(value.type_name());
  }
  return names;
}

// The text of what is left of a value after a change.
template <typename Change>
std::string changed(std::string_view text, const Change& change) {
  Json value = json_of(text);
  change(value);
  return json_text(value);
}

}  // namespace

TEST_CASE("json: a value has one kind, and says which when another is asked for") {
  std::string names;
  for (const Json& value : kinds()) {
    names += std::string(value.type_name()) + " ";
    CHECK(value.is_null() + value.is_boolean() + value.is_number() + value.is_string() + value.is_array() +
              value.is_object() ==
          1);
  }
  CHECK(names == "null boolean number number number string array object ");
  CHECK(refused("true or false", [](Json& v) { v.boolean(); }) ==
        "null number number number string array object");
  CHECK(refused("a whole number up to 2^63 - 1", [](Json& v) { v.integer(); }) ==
        "null boolean number number string array object");
  CHECK(refused("a whole number of 0 or more", [](Json& v) { v.get<uint64_t>(); }) ==
        "null boolean number number string array object");
  CHECK(refused("a number", [](Json& v) { v.number(); }) == "null boolean string array object");
  CHECK(refused("a string", [](Json& v) { v.text(); }) == "null boolean number number number array object");
  CHECK(refused("a list", [](Json& v) { v.items(); }) == "boolean number number number string object");
  CHECK(refused("a list", [](Json& v) { v.at(0); }) == "null boolean number number number string object");
  CHECK(refused("a list", [](Json& v) { v.push_back(1); }) == "boolean number number number string object");
  CHECK(refused("an object", [](Json& v) { v.members(); }) == "boolean number number number string array");
  for (const auto& ask : {+[](Json& v) { v.find("a"); }, +[](Json& v) { std::as_const(v)["a"]; }})
    CHECK(refused("an object", ask) == "null boolean number number number string array");
  for (const auto& ask : {+[](Json& v) { v["a"] = 1; }, +[](Json& v) { v.add("a", 1); }})
    CHECK(refused("an object", ask) == "boolean number number number string array");
  CHECK_FALSE(Json("a").contains("a"));

  CHECK(Json().size() == 0);
  CHECK(Json().items().empty());
  CHECK(Json().members().empty());
  CHECK(Json::array({1, 2}).size() == 2);
  CHECK(Json{{"a", 1}}.size() == 1);
  CHECK(error_of([] { Json::array({1, 2}).at(2); }) == "a JSON list of 2, expected one with an item 2");
  CHECK(error_of([] { Json{{"a", 1}}.at("b"); }) == "a JSON object without 'b'");
  CHECK_THROWS_AS(Json::array().back(), Error);
}

TEST_CASE("json: whole numbers are told from others, and those past 2^63 - 1 from the rest") {
  CHECK(Json(max_int).is_integer());
  CHECK_FALSE(Json(max_int).is_past_integer());
  CHECK(Json(uint64_t{max_int}).integer() == max_int);
  CHECK(Json(max_natural).is_past_integer());
  CHECK(Json(max_int).whole() == max_int);
  CHECK(Json(-3).whole() == -3);
  for (const Json& none : {Json(max_natural), Json(2.0), Json("2"), Json(true), Json(), Json::array({2})})
    CHECK(none.whole() == std::nullopt);
  CHECK(Json(uint8_t{7}).integer() == 7);
  CHECK(json_of("7").is_integer());
  CHECK_FALSE(json_of("7.0").is_integer());
  CHECK_FALSE(json_of("7e0").is_integer());
}

TEST_CASE("json: a value becomes a number that it fits into, or a vector") {
  CHECK(Json(-128).get<int8_t>() == -128);
  CHECK(Json(max_natural).get<uint64_t>() == max_natural);
  CHECK(Json(3).get<double>() == 3);
  CHECK(Json(max_natural).number() == 0x1p64);
  CHECK(Json(0.1).get<float>() == 0.1F);
  CHECK(Json("a").get<std::string>() == "a");
  CHECK(json_of("[[1, 2], []]").get<std::vector<std::vector<int>>>() ==
        std::vector<std::vector<int>>{{1, 2}, {}});
  CHECK(json_of("[true, false]").get<std::vector<bool>>() == std::vector<bool>{true, false});
  const std::string range = "a JSON number, expected a number that is in range";
  CHECK(error_of([] { Json(128).get<int8_t>(); }) == range);
  CHECK(error_of([] { Json(-1).get<uint32_t>(); }) == range);
  CHECK(error_of([] { json_of("[1, 4294967296]").get<std::vector<int32_t>>(); }) == range);
  CHECK_THROWS_AS(Json(max_natural).get<int32_t>(), Error);
  CHECK_THROWS_AS(Json(1.0).get<int32_t>(), Error);
  CHECK_THROWS_AS(Json(true).get<int32_t>(), Error);
}

TEST_CASE("json: lists and objects are made of what C++ has") {
  CHECK(json_text({{"a", 1}, {"b", {{"c", nullptr}}}, {"a", 2}}) == R"({"a":2,"b":{"c":null}})");
  CHECK(json_text(Json::array({{{"a", "b"}, {"c", "d"}}})) == R"([{"a":"b","c":"d"}])");
  CHECK(json_text(Json::array({{{"a", "b"}}})) == R"([{"a":"b"}])");
  CHECK(json_text(std::vector<std::vector<float>>{{1, 0.5F}, {}}) == "[[1.0,0.5],[]]");
  CHECK(json_text(std::vector<bool>{true}) == "[true]");
  CHECK(json_text(std::map<std::string, std::string>{{"b", "x"}, {"a", "y"}}) == R"({"a":"y","b":"x"})");
  CHECK(json_text(std::map<std::string, int>{}) == "{}");
  Json value;
  value["b"]["list"].push_back(1);
  value["a"];
  CHECK(json_text(value) == R"({"b":{"list":[1]},"a":null})");
}

TEST_CASE("json: members keep their order, whatever becomes of them") {
  const std::string text = R"({"c":1,"a":2,"b":{"z":1,"y":2}})";
  CHECK(json_text(json_of(text)) == text);
  CHECK(changed(text, [](Json& v) { v["c"] = 7; }) == R"({"c":7,"a":2,"b":{"z":1,"y":2}})");
  CHECK(changed(text, [](Json& v) {
          CHECK(v.add("d", 3));
          CHECK_FALSE(v.add("a", 9));
        }) == R"({"c":1,"a":2,"b":{"z":1,"y":2},"d":3})");
  CHECK(changed(text, [](Json& v) {
          CHECK(v.erase("c"));
          CHECK_FALSE(v.erase("c"));
          CHECK(v.at("b").at("y") == 2);  // names behind the one erased are found where they are now
          v["a"] = 5;
          CHECK(v.add("c", 4));
        }) == R"({"a":5,"b":{"z":1,"y":2},"c":4})");
  CHECK(changed(text, [](Json& v) { v.update({{"d", 3}, {"b", 0}}); }) == R"({"c":1,"a":2,"b":0,"d":3})");
  CHECK(changed("[1,2]", [](Json& v) {
          v.pop_back();
          v[0] = v.back().integer() + 2;
        }) == "[3]");
}

TEST_CASE("json: a value becomes a part of itself, or takes itself in") {
  CHECK(changed(R"({"a":{"b":{"c":1}}})", [](Json& v) { v = v.at("a"); }) == R"({"b":{"c":1}})");
  CHECK(changed(R"({"a":{"b":{"c":1}}})", [](Json& v) { v = std::move(v.at("a")); }) == R"({"b":{"c":1}})");
  CHECK(changed("[[[1],2],3]", [](Json& v) { v = v[0]; }) == "[[1],2]");
  CHECK(changed("[[[1],2],3]", [](Json& v) { v = std::move(v[0]); }) == "[[1],2]");
  CHECK(changed(R"({"a":{"b":1}})", [](Json& v) { v["a"] = v; }) == R"({"a":{"a":{"b":1}}})");
  CHECK(changed("[[1]]", [](Json& v) { v.push_back(v); }) == "[[1],[[1]]]");
}

TEST_CASE("json: what is equal") {
  CHECK(json_of(R"({"a": 1, "b": [{"c": 2, "d": 3}]})") == json_of(R"({"b": [{"d": 3, "c": 2}], "a": 1})"));
  CHECK(Json(1) == Json(1.0));
  CHECK(Json(max_natural) == Json(max_natural));
  CHECK(Json(uint64_t{1} << 63) == Json(0x1p63));
  CHECK(Json(uint64_t{5}) == 5);
  CHECK(Json("a") == "a");
  CHECK("a" == Json(std::string("a")));
  const std::pair<Json, Json> different[] = {{uint64_t{1} << 63, max_int},
                                             {-1, max_natural},
                                             {1, 1.5},
                                             {1, true},
                                             {0, nullptr},
                                             {0, false},
                                             {"", nullptr},
                                             {"1", 1},
                                             {std::nan(""), std::nan("")},
                                             {Json::array(), Json::object()},
                                             {Json::array(), nullptr},
                                             {Json::array({1, 2}), Json::array({2, 1})},
                                             {Json::array({1}), Json::array({1, 1})},
                                             {{{"a", 1}}, {{"b", 1}}},
                                             {{{"a", 1}}, {{"a", 1}, {"b", 1}}},
                                             {{{"a", nullptr}}, Json::object()}};
  for (const auto& [a, b] : different) {
    CHECK(a != b);
    CHECK(b != a);
  }
}

TEST_CASE("json: what is added is returned, and a member that is not there is null") {
  Json value;
  *value.add("a", 1) = 2;
  value["list"].push_back("x") = "y";
  CHECK(json_text(value) == R"({"a":2,"list":["y"]})");
  CHECK(value_of(value, "a") == 2);
  for (const Json& other : {value, Json(), Json("b"), Json::array({1})})
    CHECK(value_of(other, "b").is_null());
}

TEST_CASE("json: names are sorted by their bytes, at every depth") {
  const Json value =
      json_of(R"({"b": [{"z": 1, "y": [3, 1]}], "\u00e4": 1, "a": {"d": 1, "c": 2}, "Z": 0, "": 4})");
  CHECK(json_text(sorted(value)) ==
        "{\"\":4,\"Z\":0,\"a\":{\"c\":2,\"d\":1},\"b\":[{\"y\":[3,1],\"z\":1}],\"ä\":1}");
  CHECK(sorted(value) == value);
  CHECK(sorted(value).at("b")[0].at("z") == 1);  // names are found where they are now
  CHECK(sorted(7) == 7);
}

TEST_CASE("json: numbers are printed so that they are read again") {
  const std::pair<Json, const char*> texts[] = {{1, "1"},
                                                {-1, "-1"},
                                                {min_int, "-9223372036854775808"},
                                                {max_natural, "18446744073709551615"},
                                                {1.0, "1.0"},
                                                {-0.0, "-0.0"},
                                                {0.1, "0.1"},
                                                {1.0 / 3, "0.3333333333333333"},
                                                {0.1F, "0.10000000149011612"},
                                                {1e30, "1e+30"},
                                                {1e-7, "1e-07"},
                                                {5e-324, "5e-324"},
                                                {1.7976931348623157e308, "1.7976931348623157e+308"},
                                                {std::nan(""), "null"},
                                                {-INFINITY, "null"}};
  for (const auto& [value, text] : texts) {
    CHECK(json_text(value) == text);
    if (std::string_view(text) != "null") CHECK(json_of(text) == value);
  }
}

TEST_CASE("json: a text in one line, or with line breaks") {
  const Json value{{"a", Json::array({1, Json{{"b", "c"}}})}, {"d", Json::array()}, {"e", Json::object()}};
  CHECK(json_text(value) == R"({"a":[1,{"b":"c"}],"d":[],"e":{}})");
  CHECK(json_text(value, 2) == R"({
  "a": [
    1,
    {
      "b": "c"
    }
  ],
  "d": [],
  "e": {}
})");
  CHECK(json_text("") == R"("")");
}

TEST_CASE("json: strings as they are, in ASCII, and with replacements for what is no UTF-8") {
  CHECK(json_text("\"\\/\b\t\n\x01\x7F") == "\"\\\"\\\\/\\b\\t\\n\\u0001\x7F\"");
  CHECK(json_text(std::string("a\0b", 3)) == "\"a\\u0000b\"");
  const Json value{{"ä", "中😀"}};
  CHECK(json_text(value) == "{\"ä\":\"中😀\"}");
  CHECK(json_text(value, -1, JsonStrings::replaced) == "{\"ä\":\"中😀\"}");
  CHECK(json_text(value, -1, JsonStrings::ascii) == R"({"\u00e4":"\u4e2d\ud83d\ude00"})");
  for (const Json& invalid : {Json("a\xFF"), Json{{"a\xFF", 1}}}) {
    for (const JsonStrings strings : {JsonStrings::checked, JsonStrings::ascii})
      CHECK(error_of([&] { json_text(invalid, -1, strings); }) ==
            "a string that cannot be written as JSON: invalid UTF-8 byte at index 1: 0xFF");
    CHECK(json_text(invalid, -1, JsonStrings::replaced).find("\"a\uFFFD\"") != std::string::npos);
  }
}
