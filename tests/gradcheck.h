// Gradients against central differences of a formula in double.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "tests/matrix.h"

namespace gradus {

using ScalarFormula = std::function<double(const std::vector<reference::Matrix>&)>;

// Derivatives of `f` at `inputs` by the listed elements of inputs[which]: (f(x + h) - f(x - h)) / 2 h.
inline std::vector<double> central_difference(const ScalarFormula& f, std::vector<reference::Matrix> inputs,
                                              size_t which, const std::vector<int64_t>& elements) {
  std::vector<double> slopes;
  for (const int64_t i : elements) {
    double& x = inputs[which][i];
    const double center = x;
    const double step = 1e-5 * std::max(1.0, std::abs(center));
    x = center + step;
    const double above = f(inputs);
    x = center - step;
    const double below = f(inputs);
    x = center;
    slopes.push_back((above - below) / (2 * step));
  }
  return slopes;
}

// How far two lists of numbers are apart, in the Euclidean norm.
struct Distance {
  double difference = 0;  // |a - b|
  double norm = 0;        // |b|

  // False as well when either list holds a NaN.
  bool within(double relative, double absolute) const { return difference <= relative * norm + absolute; }
};

template <typename A, typename B>
Distance distance(const A& a, const B& b) {
  double difference = 0;
  double norm = 0;
  auto expected = b.begin();
  for (const double value : a) {
    difference += (value - *expected) * (value - *expected);
    norm += *expected * *expected;
    ++expected;
  }
  return {std::sqrt(difference), std::sqrt(norm)};
}

// The project's criterion for a float32 gradient g against the central difference c: |g - c| <= 1e-3 |c| +
// 1e-5.
inline bool gradient_holds(const Distance& distance) { return distance.within(1e-3, 1e-5); }

// Up to `count` different elements of `size`, spread evenly with both ends, so that no block of a tensor is
// left out.
inline std::vector<int64_t> sample_elements(int64_t size, int64_t count) {
  std::vector<int64_t> elements;
  for (int64_t i = 0; i < std::min(size, count); ++i) {
    elements.push_back(size <= count ? i : i * (size - 1) / (count - 1));
  }
  return elements;
}

}  // namespace gradus
