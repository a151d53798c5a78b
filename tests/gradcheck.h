// Gradients against central differences of a formula in double, and what is said of one that is wrong.
#pragma once

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "tests/matrix.h"

namespace gradus {

using ScalarFormula = std::function<double(const std::vector<reference::Matrix>&)>;

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

// How far an element g of a gradient may be from the element c that it should be:
//   |g - c| <= relative (|c| + s + of_all r) + absolute,   s = (rms of c's row) (rms of c's column) / r,   r = rms of all;
// in a single row or column s = r.
// An element is a sum whose terms may cancel, as in dw[o, i] = sum over t of dy[t, o] x[t, i]: what float32 loses is a part of
// the terms, not of the sum, and how large these are is told by the rest of the row and of the column. So elements that are small
// by chance may be off by what their neighbours may, while a row or column that is small as a whole is held to its own scale:
// whatever multiplies a row or column by a factor 1 + d, d > 2.01 `relative`, is seen in one of its elements, since one of them
// has at least the rms. (That of rows and columns a hundred times fainter than the rest needs a larger d.)
struct ElementTolerance {
  double relative = 0;
  double absolute = 0;  // for elements that are zero up to rounding
  // In 16 bits terms of the size of all others leave what they were rounded by where they cancel, whole columns of zeros for one:
  // attention to a single token.
  double of_all = 0.01;
};

// What is wrong with a gradient, in a sentence; empty where nothing is. It names how many elements are wrong and whether they are
// those of one row or column; the worst of them, as [row, column], with what it is and what was expected; and what would explain
// them all: a factor (with the number of rows, a sum where a mean was meant), the sign, zeros, the gradient transposed, something
// added. The same numbers in the same places are nothing wrong with a tolerance of 0; a NaN always is.
std::string fault_of(const reference::Matrix& found, const reference::Matrix& expected,
                     ElementTolerance tolerance);

// Derivatives of a formula by the elements of one input.
struct Slopes {
  std::vector<int64_t> elements;   // places in the flattened input
  std::vector<double> by_element;  // and the derivatives by these
  // Derivatives along directions in which all elements change at once, each by a sign of its own (direction_sign): an error anywhere
  // in a gradient, in whatever row or column, shows in each of them with about its norm.
  std::vector<double> along;
};

// Central differences, (f(x + h) - f(x - h)) / 2 h, of `f` at `inputs` by inputs[which]: by `elements` of it, as many as there are
// or are wanted, and along `directions`.
Slopes slopes_of(const ScalarFormula& f, std::vector<reference::Matrix> inputs, size_t which,
                 int64_t elements, int64_t directions);

// What is wrong with a gradient by what is known of the formula; empty where nothing is. Elements are held to the tolerance with
// the gradient's own rows and columns, directions to `relative` of its norm, at which errors of single elements add up.
std::string fault_of(const reference::Matrix& found, const Slopes& slopes, ElementTolerance tolerance);

// Up to `count` different elements of a matrix, row by row and column by column at once: the first max(rows, columns) of them touch
// every row and every column. Where there are fewer, they are spread evenly, with both ends.
std::vector<int64_t> sample_elements(int64_t rows, int64_t columns, int64_t count);

// +1 or -1.
double direction_sign(int64_t direction, int64_t element);

}  // namespace gradus
