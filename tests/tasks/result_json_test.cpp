// Results of the library as JSON: places in code points, and no number that JSON lacks.
#include "tasks/result_json.h"

#include <doctest/doctest.h>

#include <limits>

#include "tests/files.h"

using namespace gradus;

namespace {

constexpr double no_number = std::numeric_limits<double>::quiet_NaN(),
                 infinity = std::numeric_limits<double>::infinity();

}  // namespace

TEST_CASE("result json: names have their places in code points") {
  // Two bytes, three and four to a character: u with dots, an ideograph, an emoji; and a joined accent, which is two code points.
  const std::string text = "J\u00fcrgen \u4eac \U0001F600 Zoe\u0308 .";
  const size_t zoe = text.find("Zoe");
  CHECK(json_text(result_json(
            text,
            {{"PER", "J\u00fcrgen", 0, 7}, {"LOC", "\u4eac", 8, 11}, {"PER", "Zoe\u0308", zoe, zoe + 5}})) ==
        "{\"entities\":[{\"type\":\"PER\",\"text\":\"J\u00fcrgen\",\"start\":0,\"end\":6},"
        "{\"type\":\"LOC\",\"text\":\"\u4eac\",\"start\":7,\"end\":8},"
        "{\"type\":\"PER\",\"text\":\"Zoe\u0308\",\"start\":11,\"end\":15}]}");
  CHECK(json_text(result_json("", std::vector<NamedSpan>())) == R"({"entities":[]})");
  CHECK(error_of([] { result_json("a\xff", std::vector<NamedSpan>()); }) ==
        "text: invalid UTF-8 at byte 1: found 0xff");
  for (const auto& [begin, end] : {std::pair<size_t, size_t>{0, 30}, {2, 7}, {0, 2}, {7, 0}})
    CHECK(error_of([&, begin = begin, end = end] {
            result_json(text, {{"PER", "x", begin, end}});
          }) == fmt::format("bytes {} to {}, expected a place between characters of a text of 24 bytes",
                            begin, end));
}

TEST_CASE("result json: classes in the order of their ids, or a score") {
  Classification result{"b", 0.75, 0, {{"b", 0.75}, {"a", 0.25}}};
  CHECK(json_text(result_json(result)) ==
        R"({"label":"b","probability":0.75,"probabilities":{"b":0.75,"a":0.25}})");
  using Gives = Classification::Gives;
  CHECK(json_text(result_json(Classification{"", 0, -2.5, {}, Gives::score})) == R"({"score":-2.5})");
  CHECK(json_text(result_json(
            Classification{"", 0, 0, {{"b", 0.75}, {"a", 0.25}}, Gives::labels, {{"b", 0.75}}})) ==
        R"({"labels":[{"label":"b","probability":0.75}],"probabilities":{"b":0.75,"a":0.25}})");
  CHECK(json_text(result_json(Classification{"", 0, 0, {{"a", 0.25}}, Gives::labels})) ==
        R"({"labels":[],"probabilities":{"a":0.25}})");
  result.probabilities[1].first = "b";
  CHECK(error_of([&] { result_json(result); }) == "class 'b' is there twice, expected another name for each");
  CHECK(contains(error_of([] {
                   result_json(Classification{"", 0, infinity, {}, Gives::score});
                 }),
                 "the score is inf"));
  CHECK(contains(error_of([] {
                   result_json(Classification{"a", no_number, 0, {{"a", 1}}});
                 }),
                 "the probability of the class is nan"));
  CHECK(contains(error_of([] { result_json(Classification{"a", 1, 0, {{"a", -infinity}}}); }), "-inf"));
}

TEST_CASE("result json: an answer has a place where there is one") {
  const std::string context = "\u00dcber Anna";
  CHECK(json_text(result_json(context, FoundAnswer{"Anna", 0.5, 6, 10})) ==
        R"({"answer":"Anna","probability":0.5,"start":5,"end":9})");
  CHECK(json_text(result_json(context, FoundAnswer{"", 0.5})) == R"({"answer":"","probability":0.5})");
  CHECK(contains(error_of([&] {
                   result_json(context, FoundAnswer{"Anna", no_number, 6, 10});
                 }),
                 "the probability of the answer is nan"));
  CHECK(contains(error_of([&] { result_json(context, FoundAnswer{"Anna", 1, 6, 11}); }), "bytes 6 to 11"));
  CHECK(error_of([] { result_json("\xc3", FoundAnswer{}); }) ==
        "context: invalid UTF-8 at byte 0: found 0xc3");
}
