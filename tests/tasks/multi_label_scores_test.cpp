// Scores of any number of labels a text: against scikit-learn, and thresholds against trying all.
#include "tasks/metrics/multi_label_scores.h"

#include <doctest/doctest.h>

#include <cmath>

#include "core/error.h"
#include "tests/tasks/golden_scores.h"

using namespace gradus;

namespace {

struct Rows {
  std::vector<double> probabilities;
  std::vector<uint8_t> holds;
};

// Those of a case, computed as in make_scores.py.
Rows rows_of(const Json& c) {
  const auto labels = c["labels"].get<uint32_t>(), levels = c["levels"].get<uint32_t>(),
             held = c["held"].get<uint32_t>(), agree = c["agree"].get<uint32_t>(),
             empty = c["empty_labels"].get<uint32_t>();
  Rows rows;
  for (int64_t i = 0; i < c["count"].integer() * labels; ++i) {
    const bool holds = golden_noise(i, 6) % 100 < held && i % labels < labels - empty;
    const double level = golden_noise(i, 7) % levels;
    const bool agrees = golden_noise(i, 8) % 100 < agree;
    rows.probabilities.push_back((agrees ? level + (holds ? levels : 0) : 2 * level) / (2.0 * levels));
    rows.holds.push_back(holds ? 1 : 0);
  }
  return rows;
}

void check_near(double found, double expected) { CHECK(std::abs(found - expected) < 1e-9); }

double f1_with(const std::vector<double>& probabilities, const std::vector<uint8_t>& holds,
               double threshold) {
  return score_labels(probabilities, holds, std::vector{threshold}).macro_f1();
}

}  // namespace

TEST_CASE("scores of any number of labels are those of scikit-learn") {
  const Json cases = golden_cases("any labels");
  REQUIRE(cases.size() == 11);
  for (const Json& expected : cases.items()) {
    CAPTURE(expected["name"].get<std::string>());
    const Rows rows = rows_of(expected);
    const auto thresholds = expected["thresholds"].get<std::vector<double>>();
    const MultiLabelScores found = score_labels(rows.probabilities, rows.holds, thresholds);
    CHECK(found.texts == expected["count"]);
    for (size_t k = 0; k < thresholds.size(); ++k)
      check_near(found.of_label[k].f1(), expected["f1"][k].number());
    check_near(found.micro_f1(), expected["micro_f1"].number());
    check_near(found.macro_f1(), expected["macro_f1"].number());
    check_near(found.micro_average_precision, expected["micro_average_precision"].number());
    check_near(found.macro_average_precision, expected["macro_average_precision"].number());
    check_near(found.subset_accuracy(), expected["subset_accuracy"].number());
  }
}

TEST_CASE("thresholds are those of the best F1, the nearest to a half of equally good ones") {
  const auto best = [](const std::vector<double>& probabilities, const std::vector<uint8_t>& holds) {
    return best_thresholds(probabilities, holds, 1).at(0);
  };
  CHECK(best({0.9, 0.6, 0.4, 0.1}, {1, 1, 0, 0}) == 0.5);
  CHECK(best({0.3, 0.25, 0.1, 0.05}, {1, 1, 0, 0}) == doctest::Approx(0.175));
  CHECK(best({0.95, 0.9, 0.8, 0.7}, {1, 0, 0, 0}) == doctest::Approx(0.925));
  CHECK(best({0.9, 0.2}, {0, 0}) == 0.5);          // it holds nowhere
  CHECK(best({0.4, 0.4}, {1, 1}) == 0.2);          // all of them
  CHECK(best({0.8, 0.6, 0.6}, {1, 0, 1}) == 0.5);  // what is equal is not parted
  // From 0.9 on and from 0.2 on F1 is 2 / 3: the middles 0.75 and 0.1 are 0.25 and 0.4 from a half.
  CHECK(best({0.9, 0.6, 0.6, 0.2}, {1, 0, 0, 1}) == doctest::Approx(0.75));
  // Of 0.75 and 0.25, as good and as near, the lower.
  CHECK(best({0.9, 0.6, 0.6, 0.4, 0.1}, {1, 0, 0, 1, 0}) == doctest::Approx(0.25));

  const Json cases = golden_cases("any labels");
  for (const Json& c : cases.items()) {
    CAPTURE(c["name"].get<std::string>());
    const Rows rows = rows_of(c);
    const auto labels = c["labels"].get<size_t>();
    const std::vector<double> thresholds = best_thresholds(rows.probabilities, rows.holds, labels);
    REQUIRE(thresholds.size() == labels);
    for (size_t k = 0; k < labels; ++k) {
      std::vector<double> probabilities;
      std::vector<uint8_t> holds;
      for (size_t i = k; i < rows.holds.size(); i += labels) {
        probabilities.push_back(rows.probabilities[i]);
        holds.push_back(rows.holds[i]);
      }
      const double f1 = f1_with(probabilities, holds, thresholds[k]);
      for (const double other : probabilities) CHECK(f1 >= f1_with(probabilities, holds, other));
      CHECK(f1 >= f1_with(probabilities, holds, 0.5));
    }
  }
}

TEST_CASE("scores of labels: sizes that don't fit are refused") {
  const std::vector<double> three(3), two(2), none;
  const std::vector<uint8_t> holds(3);
  CHECK_THROWS_AS(score_labels(three, holds, two), Error);
  CHECK_THROWS_AS(score_labels(two, holds, std::vector<double>(3)), Error);
  CHECK_THROWS_AS(score_labels(three, holds, none), Error);
  CHECK_THROWS_AS(average_precision(two, holds), Error);
}
