// What the rows of the op table are made of: settings, numbers and lengths.
#pragma once

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/joined.h"
#include "tests/naive_backend.h"
#include "tests/op_table.h"

namespace gradus::op_table_rows {

using reference::Matrix;
using Inputs = std::vector<Variable>;
using Matrices = std::vector<Matrix>;

// The mask of step 3, micro-step 2, as a backend finds it in its memory.
inline Dropout mask_on(Backend& backend, float probability) {
  return {probability, {11, 22}, 4, Tensor::from(backend, {2}, std::vector<int32_t>{3, 2})};
}
// The same for formulas.
inline Dropout reference_mask(float probability) { return mask_on(naive_backend(), probability); }

inline Tensor int_tensor(Backend& backend, const std::vector<int32_t>& values) {
  return Tensor::from(backend, {static_cast<int64_t>(values.size())}, std::span<const int32_t>(values));
}

// A vector of the values, rounded to float32.
inline Tensor float_tensor(Backend& backend, const Matrix& values) {
  const std::vector<float> rounded(values.begin(), values.end());
  return Tensor::from(backend, {values.size()}, std::span(rounded));
}

// Numbers in [low, high) that look random and repeat.
inline std::vector<int32_t> random_ints(int64_t count, int32_t low, int32_t high) {
  RandomSequence random(5, static_cast<uint32_t>(count));
  std::vector<int32_t> values;
  for (int64_t i = 0; i < count; ++i) {
    values.push_back(low + static_cast<int32_t>(random.below(static_cast<uint32_t>(high - low))));
  }
  return values;
}

// The lengths of the sequences of a packed batch, and the rows after them that belong to none.
struct Lengths {
  std::vector<int32_t> each;
  int64_t unused = 0;

  int64_t rows() const { return std::accumulate(each.begin(), each.end(), unused); }
  std::vector<int32_t> offsets() const {
    std::vector<int32_t> offsets{0};
    for (const int32_t length : each) offsets.push_back(offsets.back() + length);
    return offsets;
  }
  // With rows of no sequence the longest is taken for longer than it is.
  Packing packing(Backend& backend) const {
    return {int_tensor(backend, offsets()), *std::max_element(each.begin(), each.end()) + unused};
  }
  reference::Sequences sequences() const {
    reference::Sequences sequences;
    for (int64_t begin = 0; const int32_t length : each) {
      sequences.push_back({begin, begin + length});
      begin += length;
    }
    return sequences;
  }
  double sum_of_squares() const {
    return std::inner_product(each.begin(), each.end(), each.begin(), 0.0, std::plus<>(),
                              [](double a, double b) { return a * b; });
  }
  std::string str() const {
    if (each.size() >= 8) return fmt::format("{} sequences, {} rows", each.size(), rows());
    return fmt::format("lengths {} + {} rows", joined(each, " "), unused);
  }
};

// Lengths as sentences of CoNLL-2003 have them, about 20 word pieces.
inline Lengths sentences(int64_t count) { return {random_ints(count, 4, 37), 0}; }

// The rows, by family.
std::vector<Op> pointwise_rows();
std::vector<Op> linear_rows();
std::vector<Op> row_rows();
std::vector<Op> normalisation_rows();
std::vector<Op> sequence_rows();
std::vector<Op> loss_rows();

}  // namespace gradus::op_table_rows
