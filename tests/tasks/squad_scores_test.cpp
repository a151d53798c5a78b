#include "tasks/metrics/squad_scores.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <limits>

#include "core/error.h"
#include "core/io/checked_json.h"
#include "tasks/metrics/cmrc_scores.h"
#include "tasks/text/python_text.h"
#include "tests/files.h"

using namespace gradus;

namespace {

// What the Python programs give (tests/golden/make_squad_scores.py).
Json golden() {
  const std::string path = source_file("tests/golden/squad_scores.json").string();
  return parse_json(file_content(path), path);
}

// Questions "q0", "q1", ... with the texts of the answers given.
SquadData questions(const std::vector<std::vector<std::string>>& golds) {
  SquadData data;
  data.contexts.emplace_back("x");
  for (const std::vector<std::string>& texts : golds) {
    SquadQuestion question;
    question.id = fmt::format("q{}", data.questions.size());
    for (const std::string& text : texts) question.answers.push_back({text, 0});
    data.questions.push_back(question);
  }
  return data;
}

AnswerTexts answers(const Json& object) {
  AnswerTexts result;
  for (const auto& [id, text] : object.members()) result[id] = text.text();
  return result;
}

// The same names, the same numbers.
void check_report(const std::string& json, const Json& expected) {
  const Json found = parse_json(json, "the report");
  REQUIRE(found.size() == expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    const auto& [name, number] = expected.members()[i];
    CAPTURE(name);
    CHECK(found.members()[i].name == name);
    CHECK(std::abs(found.members()[i].value.number() - number.number()) < 1e-9);
  }
}

// What stands in a report under a name.
double value(const std::string& json, const std::string& name) {
  return parse_json(json, "the report").at(name).get<double>();
}

}  // namespace

TEST_CASE("scorers compare texts as their programs do") {
  const Json expected = golden();
  for (const Json& row : expected.at("texts").items()) {
    CAPTURE(json_text(row[0]));
    CHECK(normalize_answer(row[0].get<std::string>()) == row[1].get<std::string>());
    CHECK(cmrc_segments(row[0].get<std::string>()) == row[2].get<std::vector<std::string>>());
  }
}

TEST_CASE("SQuAD's scores, versions 1.1 and 2.0, and CMRC's are those of their programs") {
  const Json expected = golden();
  for (const Json& row : expected.at("cases").items()) {
    CAPTURE(json_text(row));
    const SquadData data = questions(row.at("golds").get<std::vector<std::vector<std::string>>>());
    const AnswerTexts predictions = answers(row.at("predictions"));
    if (row.contains("v1")) {
      const SquadScores scores = score_squad(data, predictions);
      check_report(scores.json(), row.at("v1"));
      const CmrcScores cmrc = score_cmrc(data, predictions);
      CHECK(std::abs(cmrc.exact_match - row.at("cmrc").at("exact_match").get<double>()) < 1e-9);
      CHECK(std::abs(cmrc.f1 - row.at("cmrc").at("f1").get<double>()) < 1e-9);
      CHECK(cmrc.unanswered.size() == row.at("cmrc").at("unanswered"));
      CHECK(cmrc.unanswered == scores.unanswered);
      CHECK(cmrc.total == static_cast<int64_t>(data.questions.size()));
      continue;
    }
    NullOdds odds;
    for (const auto& [id, number] : row.at("odds").members()) odds.emplace_back(id, number.get<double>());
    check_report(score_squad_v2(data, predictions, odds, row.at("threshold").number()).json(), row.at("v2"));
    check_report(score_squad_v2(data, predictions).json(), row.at("v2_without_odds"));
  }
}

TEST_CASE("SQuAD's scores: questions without a prediction or without an answer given") {
  const SquadData data = questions({{"cat"}, {}, {"a dog", "dogs"}});
  SquadScores scores = score_squad(data, {{"q1", ""}, {"q2", "The dogs!"}, {"other", "x"}});
  CHECK(scores.total == 3);
  CHECK(scores.exact_match == doctest::Approx(100.0 / 3));
  CHECK(scores.f1 == doctest::Approx(100.0 / 3));
  CHECK(scores.unanswered == std::vector<std::string>{"q0"});
  CHECK(score_squad(data, {}).json() == R"({"exact_match": 0.0, "f1": 0.0})");

  const SquadV2Scores v2 = score_squad_v2(data, {{"q1", ""}, {"q2", "dogs bark"}}, {{"q1", 1}, {"q2", -1}});
  CHECK(v2.unanswered == std::vector<std::string>{"q0"});
  CHECK(v2.all.total == 3);
  CHECK(v2.all.exact == doctest::Approx(100.0 / 3));
  CHECK(v2.all.f1 == doctest::Approx(100.0 * (1 + 2.0 / 3) / 3));
  REQUIRE(v2.has_answer.has_value());
  CHECK(v2.has_answer->total == 2);
  CHECK(v2.has_answer->f1 == doctest::Approx(100.0 * 2 / 3 / 2));
  REQUIRE(v2.best_f1.has_value());
  CHECK(v2.best_f1->threshold == -1);
  CHECK(v2.best_f1->score == doctest::Approx(v2.all.f1));

  const CmrcScores cmrc = score_cmrc(data, {{"q1", "x"}, {"q2", "dogs"}});
  CHECK(cmrc.unanswered == std::vector<std::string>{"q0"});
  CHECK(cmrc.f1 == doctest::Approx(100.0 / 3));
  CHECK(cmrc.average() == doctest::Approx(100.0 / 3));
}

TEST_CASE("SQuAD 2.0's best threshold: equal odds are in their order, and only a better score moves it") {
  const SquadData data = questions({{"x"}, {"y"}, {}});
  const AnswerTexts predictions{{"q0", "x"}, {"q1", "y"}, {"q2", "z"}};
  // "" for all is right for one; with the odds in this order, the first answer is wrong, and two right ones follow.
  std::string json = score_squad_v2(data, predictions, {{"q2", -1}, {"q0", 2}, {"q1", 3}}).json();
  CHECK(value(json, "best_exact") == doctest::Approx(200.0 / 3));
  CHECK(value(json, "best_exact_thresh") == 3);
  json = score_squad_v2(data, predictions, {{"q0", 2}, {"q1", 2}, {"q2", 2}}).json();
  CHECK(value(json, "best_exact") == doctest::Approx(100));
  json = score_squad_v2(data, predictions, {{"q2", 2}, {"q0", 2}, {"q1", 2}}).json();
  CHECK(value(json, "best_exact") == doctest::Approx(200.0 / 3));
  json = score_squad_v2(questions({{}}), {{"q0", "z"}}, {{"q0", -7}}).json();
  CHECK(value(json, "best_exact_thresh") == 0);
  CHECK(value(json, "best_exact") == 100);
  CHECK(parse_json(json, "the report").contains("HasAns_exact") == false);
}

TEST_CASE("scorers refuse what is no number or no text") {
  const SquadData data = questions({{"x"}, {"y"}});
  const AnswerTexts predictions{{"q0", "x"}, {"q1", "y"}};
  CHECK_THROWS_WITH_AS(score_squad_v2(data, predictions, {{"q0", 1}}),
                       "[squad] question 'q1' has a prediction, but no null odds", Error);
  CHECK_THROWS_WITH_AS(
      score_squad_v2(data, predictions, {{"q0", 1}, {"q1", std::numeric_limits<double>::quiet_NaN()}}),
      "[squad] the null odds of question 'q1' are no number", Error);
  CHECK_THROWS_AS(score_squad(data, {{"q0", "\xFF"}}), Error);
  CHECK_THROWS_AS(cmrc_segments("\xE4\xB8"), Error);
  CHECK_THROWS_WITH_AS(python_float(std::numeric_limits<double>::infinity()),
                       "[json] inf: expected a finite number", Error);
}

TEST_CASE("numbers and texts as Python writes them") {
  CHECK(python_float(100) == "100.0");
  CHECK(python_float(-0.0) == "-0.0");
  CHECK(python_float(0.0001) == "0.0001");
  CHECK(python_float(0.00001) == "1e-05");
  CHECK(python_float(123456789012345678) == "1.2345678901234568e+17");
  CHECK(python_float(9007199254740993) == "9007199254740992.0");
  CHECK(python_float(1e16) == "1e+16");
  CHECK(python_float(5e-324) == "5e-324");
  CHECK(python_float(2.0 / 3) == "0.6666666666666666");
  CHECK(python_json("\"\\/\t\x01\x7F中😀") == R"("\"\\/\t\u0001\u007f\u4e2d\ud83d\ude00")");
  CHECK(encode(python_lower(U"ΑΣ ΑΣΑ Σ İI")) == "ας ασα σ i\u0307i");
}
