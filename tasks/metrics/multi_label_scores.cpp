#include "tasks/metrics/multi_label_scores.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/error.h"

namespace gradus {
namespace {

double ratio(double numerator, double denominator) { return denominator == 0 ? 0 : numerator / denominator; }

// What is true of the `count` numbers with the highest scores, of which the last is the last of its score.
struct Step {
  double score;
  int64_t count, right;
};

// From the highest score down; equal ones are one step.
std::vector<Step> steps_of(std::span<const double> scores, std::span<const uint8_t> holds) {
  check(scores.size() == holds.size(), "[metrics] {} scores, expected {} as there are labels", scores.size(),
        holds.size());
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, std::greater(), [&](size_t i) { return scores[i]; });
  std::vector<Step> steps;
  int64_t count = 0, right = 0;
  for (const size_t i : order) {
    ++count;
    right += holds[i];
    if (steps.empty() || steps.back().score != scores[i]) steps.push_back({scores[i], 0, 0});
    steps.back().count = count;
    steps.back().right = right;
  }
  return steps;
}

template <typename Value>
std::vector<Value> column(std::span<const Value> rows, size_t label, size_t labels) {
  std::vector<Value> values;
  for (size_t i = label; i < rows.size(); i += labels) values.push_back(rows[i]);
  return values;
}

double best_threshold(std::span<const double> probabilities, std::span<const uint8_t> holds) {
  const int64_t positives = std::count(holds.begin(), holds.end(), 1);
  if (positives == 0) return usual_threshold;
  const std::vector<Step> steps = steps_of(probabilities, holds);
  double best = usual_threshold, best_f1 = -1;
  const auto consider = [&](double low, double high, int64_t count, int64_t right) {
    const double threshold =
        low < usual_threshold && usual_threshold <= high ? usual_threshold : (low + high) / 2;
    const double f1 = F1Counts{right, count - right, positives - right}.f1();
    const double off = std::abs(threshold - usual_threshold), best_off = std::abs(best - usual_threshold);
    const bool wins =
        f1 > best_f1 || (f1 == best_f1 && (off < best_off || (off == best_off && threshold < best)));
    if (!wins) return;
    best = threshold;
    best_f1 = f1;
  };
  if (steps.front().score < 1) consider(steps.front().score, 1, 0, 0);
  for (size_t i = 0; i < steps.size(); ++i)
    consider(i + 1 < steps.size() ? steps[i + 1].score : 0, steps[i].score, steps[i].count, steps[i].right);
  return best;
}

}  // namespace

double MultiLabelScores::micro_f1() const {
  F1Counts all;
  for (const F1Counts& counts : of_label) {
    all.true_positives += counts.true_positives;
    all.false_positives += counts.false_positives;
    all.false_negatives += counts.false_negatives;
  }
  return all.f1();
}

double MultiLabelScores::macro_f1() const {
  double sum = 0;
  for (const F1Counts& counts : of_label) sum += counts.f1();
  return ratio(sum, static_cast<double>(of_label.size()));
}

double MultiLabelScores::subset_accuracy() const {
  return ratio(static_cast<double>(all_right), static_cast<double>(texts));
}

MultiLabelScores score_labels(std::span<const double> probabilities, std::span<const uint8_t> holds,
                              std::span<const double> thresholds) {
  const size_t labels = thresholds.size();
  check(labels > 0 && probabilities.size() == holds.size() && probabilities.size() % labels == 0,
        "[metrics] {} probabilities, {} labels of texts and {} thresholds: expected texts times thresholds",
        probabilities.size(), holds.size(), labels);
  MultiLabelScores scores;
  scores.of_label.resize(labels);
  for (size_t begin = 0; begin < holds.size(); begin += labels) {
    bool is_right = true;
    for (size_t k = 0; k < labels; ++k) {
      const bool predicted = probabilities[begin + k] >= thresholds[k], gold = holds[begin + k] != 0;
      F1Counts& counts = scores.of_label[k];
      counts.true_positives += predicted && gold;
      counts.false_positives += predicted && !gold;
      counts.false_negatives += !predicted && gold;
      is_right = is_right && predicted == gold;
    }
    ++scores.texts;
    scores.all_right += is_right;
  }
  scores.micro_average_precision = average_precision(probabilities, holds);
  for (size_t k = 0; k < labels; ++k)
    scores.macro_average_precision +=
        average_precision(column(probabilities, k, labels), column(holds, k, labels));
  scores.macro_average_precision /= static_cast<double>(labels);
  return scores;
}

double average_precision(std::span<const double> scores, std::span<const uint8_t> holds) {
  const auto positives = static_cast<double>(std::count(holds.begin(), holds.end(), 1));
  double sum = 0;
  int64_t before = 0;
  for (const Step& step : steps_of(scores, holds)) {
    const double precision = static_cast<double>(step.right) / static_cast<double>(step.count);
    sum += ratio(static_cast<double>(step.right - before), positives) * precision;
    before = step.right;
  }
  return sum;
}

std::vector<double> best_thresholds(std::span<const double> probabilities, std::span<const uint8_t> holds,
                                    size_t labels) {
  std::vector<double> thresholds;
  for (size_t k = 0; k < labels; ++k)
    thresholds.push_back(best_threshold(column(probabilities, k, labels), column(holds, k, labels)));
  return thresholds;
}

}  // namespace gradus
