#include "tasks/metrics/token_scores.h"

#include <cmath>

#include "core/error.h"

namespace gradus {

namespace {

double ratio(double numerator, double denominator) { return denominator == 0 ? 0 : numerator / denominator; }

// Calls visit(predicted id, label id) for each pair.
template <typename Visit>
void visit_pairs(std::span<const int32_t> predicted, std::span<const int32_t> labels, Visit visit) {
  check(predicted.size() == labels.size(), "[metrics] {} predictions, expected {} as there are labels",
        predicted.size(), labels.size());
  for (size_t i = 0; i < labels.size(); ++i) {
    check(predicted[i] >= 0 && labels[i] >= 0,
          "[metrics] prediction {} and label {} at {}, expected 0 or more", predicted[i], labels[i], i);
    visit(predicted[i], labels[i]);
  }
}

}  // namespace

double F1Counts::precision() const { return ratio(true_positives, true_positives + false_positives); }
double F1Counts::recall() const { return ratio(true_positives, true_positives + false_negatives); }
double F1Counts::f1() const {
  return ratio(2 * true_positives, 2 * true_positives + false_positives + false_negatives);
}

void AccuracyCounts::add(std::span<const int32_t> predicted, std::span<const int32_t> labels) {
  visit_pairs(predicted, labels, [&](int32_t p, int32_t l) { correct += p == l; });
  total += static_cast<int64_t>(labels.size());
}
double AccuracyCounts::accuracy() const { return ratio(correct, total); }

void BinaryF1::add(std::span<const int32_t> predicted, std::span<const int32_t> labels) {
  visit_pairs(predicted, labels, [&](int32_t p, int32_t l) {
    true_positives += p > 0 && l > 0;
    false_positives += p > 0 && l == 0;
    false_negatives += p == 0 && l > 0;
  });
}

void MicroF1::add(std::span<const int32_t> predicted, std::span<const int32_t> labels) {
  visit_pairs(predicted, labels, [&](int32_t p, int32_t l) {
    true_positives += p > 0 && p == l;
    false_positives += p > 0 && p != l;
    false_negatives += l > 0 && p != l;
  });
}

void MatthewsCounts::add(std::span<const int32_t> predicted, std::span<const int32_t> labels) {
  visit_pairs(predicted, labels, [&](int32_t p, int32_t l) {
    true_positives += p > 0 && l > 0;
    false_positives += p > 0 && l == 0;
    false_negatives += p == 0 && l > 0;
    true_negatives += p == 0 && l == 0;
  });
}
double MatthewsCounts::correlation() const {
  const auto tp = static_cast<double>(true_positives), tn = static_cast<double>(true_negatives);
  const auto fp = static_cast<double>(false_positives), fn = static_cast<double>(false_negatives);
  return ratio(tp * tn - fp * fn, std::sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)));
}

}  // namespace gradus
