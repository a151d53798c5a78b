#include "tasks/metrics/classification_scores.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "core/error.h"
#include "tests/tasks/golden_scores.h"

using namespace gradus;

namespace {

using Ids = std::vector<int32_t>;
using Names = std::vector<std::string>;

struct Pairs {
  Ids predicted, gold;
};

// The ids of a case, computed as in make_scores.py.
Pairs class_ids(const Json& c) {
  Pairs pairs;
  const auto gold_classes = c["gold_classes"].get<uint32_t>(), agree = c["agree"].get<uint32_t>(),
             predicted_classes = c["predicted_classes"].get<uint32_t>();
  for (int64_t i = 0; i < c["count"].integer(); ++i) {
    const auto gold = static_cast<int32_t>(golden_noise(i, 1) % gold_classes);
    auto predicted = static_cast<int32_t>(golden_noise(i, 3) % predicted_classes);
    if (golden_noise(i, 2) % 100 < agree) predicted = gold;
    if (c["opposite"].boolean()) predicted = (gold + 1) % c["classes"].get<int32_t>();
    pairs.gold.push_back(gold);
    pairs.predicted.push_back(predicted);
  }
  return pairs;
}

ConfusionMatrix matrix_of(int64_t classes, const Ids& predicted, const Ids& gold) {
  ConfusionMatrix matrix(classes);
  matrix.add(predicted, gold);
  return matrix;
}

void check_near(double found, double expected) { CHECK(std::abs(found - expected) < 1e-9); }

void check_counts(const ConfusionMatrix& matrix, const Json& expected) {
  for (int64_t id = 0; id < matrix.classes(); ++id) {
    const auto i = static_cast<size_t>(id);
    check_near(matrix.of_class(id).precision(), expected["precision"][i].number());
    check_near(matrix.of_class(id).recall(), expected["recall"][i].number());
    check_near(matrix.of_class(id).f1(), expected["f1"][i].number());
    CHECK(matrix.gold_count(id) == expected["support"][i]);
  }
  if (expected["matrix"].empty()) return;
  for (int64_t gold = 0, i = 0; gold < matrix.classes(); ++gold) {
    for (int64_t predicted = 0; predicted < matrix.classes(); ++predicted, ++i)
      CHECK(matrix.count(gold, predicted) == expected["matrix"][static_cast<size_t>(i)]);
  }
}

}  // namespace

TEST_CASE("classification scores are those of scikit-learn") {
  const Json cases = golden_cases("classification");
  REQUIRE(cases.size() == 15);
  for (const Json& expected : cases.items()) {
    CAPTURE(expected["name"].get<std::string>());
    const Pairs pairs = class_ids(expected);
    const ConfusionMatrix matrix = matrix_of(expected["classes"].integer(), pairs.predicted, pairs.gold);
    CHECK(matrix.total() == expected["count"]);
    check_counts(matrix, expected);
    check_near(matrix.accuracy(), expected["accuracy"].number());
    check_near(matrix.macro_f1(), expected["macro_f1"].number());
    check_near(matrix.matthews_correlation(), expected["matthews"].number());
    check_near(matrix.positives().f1(), expected["positive_f1"].number());
    check_near(matrix.positives().correlation(), expected["positive_matthews"].number());
    if (matrix.classes() == 2) check_near(matrix.positives().f1(), expected["f1"][1].number());
    // The same counts as from the ids directly.
    MatthewsCounts direct;
    direct.add(pairs.predicted, pairs.gold);
    CHECK(matrix.positives() == direct);
    CHECK(matrix.positives().true_negatives == direct.true_negatives);
  }
}

TEST_CASE("a confusion matrix counts over batches, and a batch that doesn't fit not at all") {
  ConfusionMatrix matrix(3);
  matrix.add(Ids{0, 1}, Ids{0, 2});
  matrix.add(Ids{1}, Ids{2});
  CHECK(matrix.count(2, 1) == 2);
  CHECK(matrix.predicted_count(1) == 2);
  CHECK_THROWS_WITH_AS(matrix.add(Ids{1}, Ids{1, 2}),
                       "[metrics] 1 predictions, expected 2 as there are labels", Error);
  CHECK_THROWS_WITH_AS(matrix.add(Ids{1, 3}, Ids{1, 2}),
                       "[metrics] prediction 3 and label 2 at 1, expected 0 to 2", Error);
  CHECK_THROWS_AS(matrix.add(Ids{1, 0}, Ids{1, -100}), Error);
  CHECK(matrix.total() == 3);
  CHECK_THROWS_WITH_AS(ConfusionMatrix(0), "[metrics] 0 classes, expected 1 or more", Error);
}

TEST_CASE("scores of no example are 0") {
  const ConfusionMatrix matrix(2);
  CHECK(matrix.accuracy() == 0);
  CHECK(matrix.macro_f1() == 0);
  CHECK(matrix.matthews_correlation() == 0);
  CHECK(matrix.positives().f1() == 0);
  CHECK(matrix.majority_accuracy() == 0);
  CHECK_FALSE(matrix.collapsed());
}

TEST_CASE("a collapsed classifier is one that predicts a single class for several") {
  const ConfusionMatrix collapsed = matrix_of(3, {1, 1, 1, 1}, {1, 1, 1, 2});
  CHECK(collapsed.collapsed());
  CHECK(collapsed.majority_accuracy() == 0.75);
  CHECK(collapsed.accuracy() == 0.75);
  CHECK_FALSE(matrix_of(3, {1, 1, 1, 2}, {1, 1, 1, 2}).collapsed());
  CHECK_FALSE(matrix_of(3, {1, 1}, {1, 1}).collapsed());
  CHECK_FALSE(matrix_of(3, {1, 2}, {1, 1}).collapsed());
}

TEST_CASE("confusions come by number, then by id") {
  const ConfusionMatrix matrix = matrix_of(3, {2, 1, 1, 0, 0, 2}, {2, 0, 0, 2, 1, 1});
  CHECK(confusions(matrix) == std::vector<Confusion>{{0, 1, 2}, {1, 0, 1}, {1, 2, 1}, {2, 0, 1}});
  CHECK(confusions(matrix_of(2, {0, 1}, {0, 1})).empty());
}

TEST_CASE("a confusion matrix as text") {
  const ConfusionMatrix matrix = matrix_of(3, {0, 1, 1, 2, 2, 2}, {0, 0, 1, 2, 2, 1});
  CHECK(confusion_text(matrix, Names{"体育", "finance", "a label that is much too long"}) ==
        "gold \\ predicted      体育  finance  a label that is muc…\n"
        "体育                     1        1                     0\n"
        "finance                  0        1                     1\n"
        "a label that is muc…     0        0                     2\n");
  CHECK_THROWS_WITH_AS(confusion_text(matrix, Names{"a"}),
                       "[metrics] 1 labels, expected 3 as there are classes", Error);
}

TEST_CASE("columns have numbers where labels would be too wide") {
  const Names labels(11, "news_finance");
  const std::string text = confusion_text(matrix_of(11, {10, 10, 3}, {2, 2, 3}), labels);
  CHECK(text.find("gold \\ predicted  0  1  2  3  4  5  6  7  8  9  10\n") == 0);
  CHECK(text.find("\n 2 news_finance   0  0  0  0  0  0  0  0  0  0   2\n") != std::string::npos);
  CHECK(text.find("\n10 news_finance   0  0  0  0  0  0  0  0  0  0   0\n") != std::string::npos);
}

TEST_CASE("of many classes the most frequent confusions are told, and how many are not") {
  Names labels;
  for (int id = 0; id < 30; ++id) labels.push_back("class " + std::to_string(id));
  CHECK(confusion_text(matrix_of(30, {4, 4, 7}, {3, 3, 7}), labels) == "class 3 -> class 4: 2\n");
  CHECK(confusion_text(matrix_of(30, {7}, {7}), labels) == "no confusions\n");
  Ids predicted, gold;
  for (int32_t id = 0; id < 25; ++id) {
    predicted.insert(predicted.end(), {id + 1, id + 1});
    gold.insert(gold.end(), {id, id});
  }
  const std::string text = confusion_text(matrix_of(30, predicted, gold), labels);
  CHECK(text.find("class 0 -> class 1: 2\n") == 0);
  CHECK(text.find("class 19 -> class 20: 2\nand 5 more, of 10 examples\n") != std::string::npos);
  CHECK(text.find("class 20 ->") == std::string::npos);
}
