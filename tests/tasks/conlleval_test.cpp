#include "tasks/metrics/conlleval.h"

#include <doctest/doctest.h>

#include <sstream>

#include "core/error.h"
#include "tests/tasks/program.h"

using namespace gradus;

namespace {

ConllevalResult score(const std::string& text, const ConllevalOptions& options = {}) {
  std::istringstream lines(text);
  return conlleval(lines, "test.txt", options);
}

// Scores one sentence given as tags between spaces.
ConllevalResult score_tags(const std::string& gold, const std::string& predicted) {
  const auto split = [](const std::string& text) {
    std::istringstream words(text);
    return TagSequence(std::istream_iterator<std::string>(words), {});
  };
  const std::vector<TagSequence> gold_tags{split(gold)}, predicted_tags{split(predicted)};
  return conlleval(gold_tags, predicted_tags);
}

struct ReferenceCase {
  std::string name;
  ConllevalOptions options;
  Words flags;
  bool latex = false;
};

const std::vector<ReferenceCase> reference_cases{{"case0", {}, {}},
                                                 {"case1", {}, {}},
                                                 {"case2", {.raw = true}, {"-r"}},
                                                 {"case3", {.delimiter = "\t"}, {"-d", "\\t"}},
                                                 {"latex", {}, {"-l"}, true}};

}  // namespace

TEST_CASE("conlleval prints what the Perl program prints") {
  const auto folder = shared_folder("formats/fixtures/conlleval_reference");
  if (folder.empty()) return;
  for (const auto& [name, options, flags, latex] : reference_cases) {
    CAPTURE(name);
    const ConllevalResult result = score(file_content(folder / (name + ".txt")), options);
    CHECK((latex ? result.latex_report() : result.report()) == file_content(folder / (name + ".out")));
  }
}

TEST_CASE("the conlleval program takes the Perl program's options and exits with 2 on bad input") {
  const auto run = [](const Words& flags, const std::string& input) {
    return run_program("conlleval", flags, input);
  };
  const Outcome bad = run({}, "a O O\nb O\n");
  CHECK(bad.status == 2);
  CHECK(bad.err == "error: <stdin>:2: 2 columns: 'b O', expected 3 as in the lines before\n");
  CHECK(run({"-x"}, "").status == 2);
  CHECK(run({"-d", ""}, "").status == 2);
  const Outcome empty = run({}, "");
  CHECK(empty.status == 0);
  CHECK(empty.out == "processed 0 tokens with 0 phrases; found: 0 phrases; correct: 0.\n");
  const auto folder = shared_folder("formats/fixtures/conlleval_reference");
  if (folder.empty()) return;
  for (const auto& [name, options, flags, latex] : reference_cases) {
    CAPTURE(name);
    const Outcome outcome = run(flags, file_content(folder / (name + ".txt")));
    CHECK(outcome.status == 0);
    CHECK(outcome.out == file_content(folder / (name + ".out")));
  }
}

TEST_CASE("conlleval counts a span only when both ends and the type agree") {
  const auto result = score_tags("B-PER I-PER O B-LOC I-LOC O B-ORG", "B-PER I-PER O B-LOC O O B-PER");
  CHECK(result.tokens == 7);
  CHECK(result.correct_tokens == 5);
  CHECK(result.overall == SpanCounts{1, 3, 3});
  CHECK(result.types.at("PER") == SpanCounts{1, 1, 2});
  CHECK(result.types.at("LOC") == SpanCounts{0, 1, 1});
  CHECK(result.types.at("ORG") == SpanCounts{0, 1, 0});
  CHECK(result.overall.f1() == doctest::Approx(100.0 / 3));
  // A predicted span that goes on too long, and one that begins too early.
  CHECK(score_tags("B-PER O", "B-PER I-PER").overall == SpanCounts{0, 1, 1});
  CHECK(score_tags("O B-PER", "B-PER I-PER").overall == SpanCounts{0, 1, 1});
}

TEST_CASE("conlleval defines spans for broken tag sequences") {
  CHECK(score_tags("I-PER I-PER", "B-PER I-PER").overall == SpanCounts{1, 1, 1});
  CHECK(score_tags("I-PER I-LOC", "B-PER B-LOC").overall == SpanCounts{2, 2, 2});
  CHECK(score_tags("B-PER B-PER", "B-PER I-PER").overall == SpanCounts{0, 2, 1});
  CHECK(score_tags("B-PER E-PER E-PER", "B-PER I-PER O").overall == SpanCounts{1, 2, 1});
  CHECK(score_tags("[ ]", "[ ]").overall == SpanCounts{2, 2, 2});
  CHECK(score_tags(". .", "O O").overall == SpanCounts{0, 0, 0});
  CHECK(score_tags("B-a-b", "B-a-b").types.at("a-b") == SpanCounts{1, 1, 1});
}

TEST_CASE("conlleval ends spans at sentence ends, at -X- lines and at the end of the file") {
  CHECK(score("a B-PER B-PER\n\nb I-PER I-PER\n").overall == SpanCounts{2, 2, 2});
  CHECK(score("a B-PER B-PER\n-X- O B-PER\nb I-PER I-PER").overall == SpanCounts{2, 2, 2});
  CHECK(score("a B-PER B-PER\n-X- O B-PER\nb I-PER I-PER").tokens == 2);
  CHECK(score("a B-PER B-PER\r\n \r\nb I-PER I-PER\r\n").overall == SpanCounts{2, 2, 2});
}

TEST_CASE("conlleval takes another outside tag") {
  CHECK(score("a LOC LOC\nb X X\n", {.raw = true, .outside = "X"}).overall == SpanCounts{1, 1, 1});
  CHECK(score("a B-LOC B-LOC\nb X X\n", {.outside = "X"}).overall == SpanCounts{1, 1, 1});
}

TEST_CASE("conlleval refuses bad input naming the place") {
  CHECK_THROWS_WITH_AS(score("a O O\nb O O O\n"),
                       "test.txt:2: 4 columns: 'b O O O', expected 3 as in the lines before", Error);
  CHECK_THROWS_WITH_AS(score("\nO\n"),
                       "test.txt:2: one column: 'O', expected the gold and the predicted tag at the end",
                       Error);
  CHECK_THROWS_WITH_AS(score_tags("O O", "O"), "[conlleval] sentence 0: 1 predicted tags, expected 2", Error);
  CHECK_THROWS_AS(conlleval(std::vector<TagSequence>{{}}, std::vector<TagSequence>{}), Error);
  CHECK_THROWS_AS(score("", {.delimiter = ""}), Error);
  CHECK_THROWS_AS(score("", {.outside = ""}), Error);
}
