#include "tasks/metrics/correlation.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "core/error.h"

namespace gradus {
namespace {

void check_values(std::span<const double> predicted, std::span<const double> labels) {
  check(predicted.size() == labels.size(), "[metrics] {} predictions, expected {} as there are labels",
        predicted.size(), labels.size());
  for (size_t i = 0; i < labels.size(); ++i) {
    check(std::isfinite(predicted[i]) && std::isfinite(labels[i]),
          "[metrics] prediction {} and label {} at {}, expected finite numbers", predicted[i], labels[i], i);
  }
}

// The values less their mean, in a unit that keeps their squares in range. Powers of two, and differences to
// the first value, lose nothing where values lie close together; equal values give exact zeros.
std::vector<double> centred(std::span<const double> values) {
  double largest = 0;
  for (const double value : values) largest = std::max(largest, std::abs(value));
  const int exponent = largest == 0 ? 0 : std::ilogb(largest);
  std::vector<double> result;
  result.reserve(values.size());
  for (const double value : values)
    result.push_back(std::scalbn(value, -exponent) - std::scalbn(values.front(), -exponent));
  const double mean = std::accumulate(result.begin(), result.end(), 0.0) / static_cast<double>(values.size());
  for (double& value : result) value -= mean;
  return result;
}

double correlation(std::span<const double> x, std::span<const double> y) {
  const std::vector<double> a = centred(x), b = centred(y);
  double covariance = 0, variance_a = 0, variance_b = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    covariance += a[i] * b[i];
    variance_a += a[i] * a[i];
    variance_b += b[i] * b[i];
  }
  if (variance_a == 0 || variance_b == 0) return 0;
  return std::clamp(covariance / (std::sqrt(variance_a) * std::sqrt(variance_b)), -1.0, 1.0);
}

// The values' positions, largest value first, equal values in the order in which they come.
std::vector<size_t> descending_order(std::span<const double> values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, [&](size_t a, size_t b) { return values[a] > values[b]; });
  return order;
}

// Ranks from 1, largest value first; equal values share the mean of their ranks when `average_ties`.
std::vector<double> ranks_of(std::span<const double> values, bool average_ties) {
  const std::vector<size_t> order = descending_order(values);
  std::vector<double> ranks(values.size());
  for (size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    const double mean = 0.5 * static_cast<double>(begin + 1 + end);
    for (size_t i = begin; i < end; ++i) ranks[order[i]] = average_ties ? mean : static_cast<double>(i + 1);
  }
  return ranks;
}

}  // namespace

double pearson_correlation(std::span<const double> predicted, std::span<const double> labels) {
  check_values(predicted, labels);
  return correlation(predicted, labels);
}

double spearman_correlation(std::span<const double> predicted, std::span<const double> labels) {
  check_values(predicted, labels);
  return correlation(ranks_of(predicted, true), ranks_of(labels, true));
}

double spearman_correlation_without_ties(std::span<const double> predicted, std::span<const double> labels) {
  check_values(predicted, labels);
  if (labels.size() < 2) return 0;
  const std::vector<double> a = ranks_of(predicted, false), b = ranks_of(labels, false);
  double squares = 0;
  for (size_t i = 0; i < a.size(); ++i) squares += (a[i] - b[i]) * (a[i] - b[i]);
  const auto n = static_cast<double>(a.size());
  return 1 - 6 * squares / (n * (n * n - 1));
}

}  // namespace gradus
