#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "core/error.h"
#include "tasks/metrics/clue_benchmark.h"
#include "tasks/metrics/conlleval.h"
#include "tasks/metrics/entities.h"
#include "tasks/metrics/token_scores.h"
#include "tasks/ner/evaluation.h"
#include "tests/files.h"
#include "tests/json.h"

using namespace gradus;

namespace {

using Ids = std::vector<int32_t>;
using Tags = std::vector<std::string>;

}  // namespace

TEST_CASE("accuracy, BF1, MF1 and MCC count as defined, over batches") {
  const Ids predicted{1, 2, 3, 0, 1, 0}, labels{1, 3, 3, 1, 0, 0};
  AccuracyCounts accuracy;
  BinaryF1 binary;
  MicroF1 micro;
  MatthewsCounts matthews;
  for (const auto& [begin, count] : {std::pair(0, 4), std::pair(4, 2)}) {
    const auto p = std::span(predicted).subspan(begin, count), l = std::span(labels).subspan(begin, count);
    accuracy.add(p, l);
    binary.add(p, l);
    micro.add(p, l);
    matthews.add(p, l);
  }
  CHECK(accuracy.accuracy() == doctest::Approx(0.5));
  CHECK(binary == F1Counts{3, 1, 1});
  CHECK(binary.precision() == doctest::Approx(0.75));
  CHECK(binary.recall() == doctest::Approx(0.75));
  CHECK(binary.f1() == doctest::Approx(0.75));
  CHECK(micro == F1Counts{2, 2, 2});
  CHECK(micro.f1() == doctest::Approx(0.5));
  CHECK(matthews.true_negatives == 1);
  CHECK(matthews.correlation() == doctest::Approx((3.0 * 1 - 1 * 1) / std::sqrt(4.0 * 4 * 2 * 2)));
}

TEST_CASE("scores of nothing are 0") {
  CHECK(AccuracyCounts{}.accuracy() == 0);
  CHECK(F1Counts{}.precision() == 0);
  CHECK(F1Counts{}.recall() == 0);
  CHECK(F1Counts{}.f1() == 0);
  BinaryF1 binary;
  binary.add(Ids{0, 0}, Ids{0, 0});
  CHECK(binary.f1() == 0);
  CHECK(MatthewsCounts{}.correlation() == 0);
  CHECK(ConllevalResult{}.accuracy() == 0);
  CHECK(SpanCounts{}.f1() == 0);
}

TEST_CASE("token scores refuse ids that don't fit") {
  CHECK_THROWS_WITH_AS(BinaryF1{}.add(Ids{1}, Ids{1, 2}),
                       "[metrics] 1 predictions, expected 2 as there are labels", Error);
  CHECK_THROWS_WITH_AS(MicroF1{}.add(Ids{1, 2}, Ids{1, -100}),
                       "[metrics] prediction 2 and label -100 at 1, expected 0 or more", Error);
  CHECK_THROWS_AS(AccuracyCounts{}.add(Ids{-1}, Ids{0}), Error);
}

TEST_CASE("entities are counted as conlleval counts the spans of BIO tags") {
  const auto golden = json_of(file_content(source_file("tests/golden/entities.json")));
  NerData data;
  std::vector<std::vector<int32_t>> predicted;
  LabelList labels({"O"});
  for (const Json& pair : golden["conlleval"]["pairs"].items()) {
    for (const Json& tags : pair.items()) {
      for (const Json& tag : tags.items()) labels.add(tag.text());
    }
    NerSentence& sentence = data.sentences.emplace_back();
    sentence.tags = pair[0].get<Tags>();
    sentence.words.resize(sentence.tags.size(), "w");
    std::vector<int32_t>& ids = predicted.emplace_back();
    for (const Json& tag : pair[1].items()) ids.push_back(labels.id(tag.text()));
  }
  CHECK(span_counts(data, labels, TagReader(labels.tags()), predicted).report() ==
        golden["conlleval"]["report"]);
  // The scorer of files counts the same.
  SpanScorer scorer;
  for (size_t s = 0; s < predicted.size(); ++s) {
    for (size_t w = 0; w < predicted[s].size(); ++w)
      scorer.add_token(data.sentences[s].tags[w], labels.tag(predicted[s][w]));
    scorer.end_sentence();
  }
  CHECK(scorer.result().report() == golden["conlleval"]["report"]);
}

TEST_CASE("mentions are read from tags of characters") {
  const Tags characters{"我", "在", "北", "京", "北", "京"};
  const auto clue_mentions = [](const Tags& of, const Tags& tags) {
    std::vector<TagParts> parts;
    for (const std::string& tag : tags) parts.push_back(split_tag(tag).value());
    return gradus::clue_mentions(of, parts);
  };
  CHECK(clue_mentions(characters, Tags{"O", "O", "B_address", "E_address", "O", "O"}) ==
        ClueMentions{{"address", {{"北京", {2, 3}}}}});
  // The last place of a text that occurs twice; "-" as separator; BIO.
  CHECK(clue_mentions(characters, Tags{"S-name", "O", "B-address", "I-address", "B-address", "I-address"}) ==
        ClueMentions{{"address", {{"北京", {4, 5}}}}, {"name", {{"我", {0, 0}}}}});
  // The type of the last tag, but of the first one at the end of the line.
  CHECK(clue_mentions(characters, Tags{"O", "O", "B_a", "E_b", "B_c", "E_d"}) ==
        ClueMentions{{"b", {{"北京", {2, 3}}}}, {"c", {{"北京", {4, 5}}}}});
  // M without a beginning names nothing; S stays open.
  CHECK(clue_mentions(characters, Tags{"M_a", "E_a", "S_b", "M_b", "O", "O"}) ==
        ClueMentions{{"b", {{"北京", {2, 3}}}}});
  // BILOU.
  CHECK(clue_mentions(characters, Tags{"U-a", "U-b", "B-c", "L-c", "O", "O"}) ==
        ClueMentions{{"a", {{"我", {0, 0}}}}, {"b", {{"在", {1, 1}}}}, {"c", {{"北京", {2, 3}}}}});
  CHECK(clue_mentions({}, {}).empty());
  CHECK_THROWS_WITH_AS(clue_mentions(characters, Tags{"O"}),
                       "[clue_benchmark] 1 tags, expected 6 as there are characters", Error);
}

TEST_CASE("the CLUE benchmark counts mentions by type and text") {
  ClueBenchmark benchmark;
  CHECK(benchmark.average_f1() == 0);
  benchmark.add_line({{"name", {{"a", {0, 0}}, {"b", {1, 1}}}}}, {{"name", {"a", "c", "d"}}, {"book", {}}});
  benchmark.add_line({{"address", {{"e", {0, 0}}}}}, {{"address", {"e"}}});
  benchmark.add_line({}, {{"game", {"f"}}});
  CHECK(benchmark.types() ==
        std::map<std::string, F1Counts>{{"address", {1, 0, 0}}, {"game", {0, 0, 1}}, {"name", {1, 1, 2}}});
  CHECK(benchmark.average_f1() == doctest::Approx((1 + 0 + 0.4) / 3));
  CHECK(benchmark.report() ==
        "label: address, F1: 1.000000\nlabel: game, F1: 0.000000\nlabel: name, F1: 0.400000\n"
        "avg F1: 0.466667\n");
}

TEST_CASE("names that stand side by side are two, whatever scheme marks their ends") {
  // Tags that differ in their boundary alone: one name of four words instead of two of two.
  NerData data;
  data.sentences.emplace_back();
  data.sentences[0].words = {"a", "b", "c", "d"};
  data.sentences[0].tags = {"B-X", "E-X", "B-X", "E-X"};
  const LabelList labels({"O", "B-X", "M-X", "E-X"});
  std::string text;
  const auto f1 = [&](const std::vector<int32_t>& tags) {
    return score_tags("span", data, labels, TagReader(labels.tags()), {tags}, text).front().second;
  };
  CHECK(f1({1, 3, 1, 3}) == 100);
  CHECK(f1({1, 2, 2, 3}) == 0);
}

TEST_CASE("CLUE's rule finds the names of schemes without a B too") {
  NerData data;
  data.sentences.emplace_back();
  data.sentences[0].words = {"a", "b", "c"};
  data.sentences[0].tags = {"I-X", "O", "I-X"};
  const LabelList labels({"O", "I-X", "E-X"});
  const ClueBenchmark counts = mention_counts(data, labels, TagReader(labels.tags()), {{1, 0, 0}});
  CHECK(counts.types() == std::map<std::string, F1Counts>{{"X", {1, 0, 1}}});
}

TEST_CASE("strict scores leave out the names that break the scheme") {
  NerData data;
  data.sentences.emplace_back();
  data.sentences[0].words = {"a", "b", "c", "d"};
  data.sentences[0].tags = {"B-X", "E-X", "O", "S-X"};
  const LabelList labels({"O", "B-X", "I-X", "E-X", "S-X"});
  std::string text;
  const auto scores = [&](const std::string& method, std::optional<TagScheme> scheme) {
    return score_tags(method, data, labels, TagReader(labels.tags(), scheme), {{1, 3, 2, 4}}, text);
  };
  CHECK(scores("span", std::nullopt)[1] == std::pair<std::string, double>("span_precision", 100 * 2 / 3.0));
  const Scores strict = scores("span_strict", TagScheme::iobes);
  CHECK(strict[0] == std::pair<std::string, double>("span_strict_f1", 100));
}
