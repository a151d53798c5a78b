#include "tasks/metrics/token_scores.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

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

// The values' positions, largest value first, equal values in the order in which they come.
std::vector<size_t> descending_order(std::span<const float> values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, [&](size_t a, size_t b) { return values[a] > values[b]; });
  return order;
}

// Ranks from 1, largest value first; equal values share the mean of their ranks when `average_ties`.
std::vector<double> ranks_of(std::span<const float> values, bool average_ties) {
  const std::vector<size_t> order = descending_order(values);
  std::vector<double> ranks(values.size());
  for (size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    const double mean = 0.5 * static_cast<double>(begin + 1 + end);
    for (size_t i = begin; i < end; ++i) ranks[order[i]] = average_ties ? mean : static_cast<double>(i + 1);
  }
  return ranks;
}

void check_values(std::span<const float> predicted, std::span<const float> labels) {
  check(predicted.size() == labels.size(), "[metrics] {} predictions, expected {} as there are labels",
        predicted.size(), labels.size());
  for (size_t i = 0; i < labels.size(); ++i) {
    check(!std::isnan(predicted[i]) && !std::isnan(labels[i]), "[metrics] prediction {} and label {} at {}",
          predicted[i], labels[i], i);
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

double spearman_correlation(std::span<const float> predicted, std::span<const float> labels) {
  check_values(predicted, labels);
  const auto a = ranks_of(predicted, true), b = ranks_of(labels, true);
  const double mean = 0.5 * static_cast<double>(labels.size() + 1);
  double covariance = 0, variance_a = 0, variance_b = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    covariance += (a[i] - mean) * (b[i] - mean);
    variance_a += (a[i] - mean) * (a[i] - mean);
    variance_b += (b[i] - mean) * (b[i] - mean);
  }
  return ratio(covariance, std::sqrt(variance_a * variance_b));
}

double spearman_correlation_without_ties(std::span<const float> predicted, std::span<const float> labels) {
  check_values(predicted, labels);
  if (labels.size() < 2) return 0;
  const auto a = ranks_of(predicted, false), b = ranks_of(labels, false);
  double squares = 0;
  for (size_t i = 0; i < a.size(); ++i) squares += (a[i] - b[i]) * (a[i] - b[i]);
  const auto n = static_cast<double>(a.size());
  return 1 - 6 * squares / (n * (n * n - 1));
}

}  // namespace gradus
