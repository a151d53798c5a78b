// Relative positions in attention (Shaw et al. 2018, arXiv:1803.02155; Wei et al. 2019, arXiv:1909.00204): a table has a
// vector for each distance from a query to a key, which is added to the key and to the value.
//
// The table's rows stand behind the keys and values as if they were more of them, so that every product of attention
// serves both. A query's scores with the rows are the terms of all distances, of which each of its other scores takes
// one; its probabilities, summed by distance, are the weights of the rows. Nothing has a row for each pair of tokens.
#pragma once

#include <algorithm>
#include <cstdint>

#include "backends/cpu/parallel.h"
#include "core/tensor.h"

namespace gradus::cpu {

// What one sequence looks up: the vectors of the distances from -reach to reach. All that are farther have those of these.
struct RelativeRows {
  const float* first = nullptr;  // null without relative positions
  int64_t reach = 0;

  explicit operator bool() const { return first != nullptr; }
  int64_t count() const { return first == nullptr ? 0 : 2 * reach + 1; }
};

// The table of a call, float32 [2 K + 1, D], or none.
struct RelativeTable {
  const float* rows = nullptr;
  int64_t reach = 0;     // K
  int64_t size = 0;      // D
  bool trained = false;  // its gradient is wanted

  RelativeTable() = default;
  RelativeTable(const Tensor& table, bool trained) : trained(trained) {
    if (!table) return;
    rows = table.data<float>();
    reach = table.shape()[0] / 2;
    size = table.shape()[1];
  }
  // Where the vector of the distance -r lies among all numbers of the table.
  int64_t place(int64_t r) const { return (reach - r) * size; }
  // For sequences of that length at most, in which every distance is smaller.
  RelativeRows within(int64_t length) const {
    if (rows == nullptr) return {};
    const int64_t r = std::min(reach, length - 1);
    return {rows + place(r), r};
  }
};

// The keys whose distance from query i has a vector of its own: [begin, end) of those of a sequence. Those before share the
// first vector, those behind the last.
struct NearKeys {
  int64_t begin, end;

  NearKeys(const RelativeRows& relative, int64_t i, int64_t length)
      : begin(std::max<int64_t>(i - relative.reach, 0)), end(std::min(i + relative.reach + 1, length)) {}
};

// scores[j] += terms[distance from i to j], for the keys j of a sequence. terms [count].
inline void add_by_distance(const RelativeRows& relative, int64_t i, int64_t length, const float* terms,
                            float* scores) {
  const NearKeys near(relative, i, length);
  const float first = terms[0];
  const float last = terms[2 * relative.reach];
  const float* own = terms + (near.begin - i + relative.reach);
  float* to = scores + near.begin;
#pragma omp simd
  for (int64_t j = 0; j < near.begin; ++j) scores[j] += first;
#pragma omp simd
  for (int64_t j = 0; j < near.end - near.begin; ++j) to[j] += own[j];
#pragma omp simd
  for (int64_t j = near.end; j < length; ++j) scores[j] += last;
}

inline float sum_of(const float* values, int64_t count) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t j = 0; j < count; ++j) sum += values[j];
  return sum;
}

// sums[r] = sum of weights[j] over the keys j at the r-th distance from i; zero up to `stored`. sums [stored].
inline void sum_by_distance(const RelativeRows& relative, int64_t i, int64_t length, const float* weights,
                            float* sums, int64_t stored) {
  const NearKeys near(relative, i, length);
  std::fill_n(sums, stored, 0.0F);
  std::copy(weights + near.begin, weights + near.end, sums + (near.begin - i + relative.reach));
  sums[0] += sum_of(weights, near.begin);
  sums[2 * relative.reach] += sum_of(weights + near.end, length - near.end);
}

// y (+)= the sum of `count` parts, in their order whichever thread adds an element. parts [count, elements of y].
inline void sum_parts(const float* parts, int64_t count, const Grad& y) {
  float* const out = y.tensor.data<float>();
  const int64_t size = y.tensor.elements();
  parallel_for_elements(size, 1024, [&](int64_t begin, int64_t end) {
    if (!y.accumulate) std::fill(out + begin, out + end, 0.0F);
    for (int64_t part = 0; part < count; ++part) {
      const float* const values = parts + part * size;
#pragma omp simd
      for (int64_t i = begin; i < end; ++i) out[i] += values[i];
    }
  });
}

}  // namespace gradus::cpu
