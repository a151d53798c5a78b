// Products of few rows with a weight that is read as it lies.
//
// oneDNN brings a weight into another order before it multiplies, which for one sentence takes about as long as the product itself. Inner
// products need no other order: each row of the weight and of x lies in one piece. A tile of them is summed in as many vectors as a
// vector has elements, so that the partial sums of all come together by halves, in the lanes of one.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>

#include "backends/cpu/simd.h"

namespace gradus::cpu {

// As many are few. With more oneDNN is as fast or faster, whose order lets it read x less often.
inline constexpr int64_t most_few_rows = 3 * vector_lanes;

inline constexpr int64_t row_tile = 4;
inline constexpr int64_t column_tile = vector_lanes / row_tile;

// The sum of the elements of vectors[i] goes into lane i of vectors[0].
template <size_t step = vector_lanes / 2>
[[gnu::always_inline]] inline void sum_each(FloatVector (&vectors)[vector_lanes]) {
  for (size_t i = 0; i < step; ++i) {
    exchange_quarters<step>(vectors[i], vectors[i + step], std::make_index_sequence<vector_lanes>());
    vectors[i] += vectors[i + step];
  }
  if constexpr (step > 1) sum_each<step / 2>(vectors);
}

// A tile of y: element r * column_tile + c is the product of row r of x and row c of w, of k numbers each. Meanwhile `asks` rows that
// begin at `later` are brought into the second cache: the first has no room beside x and this tile of w.
template <int64_t asks>
FloatVector multiply_few_tile(const float* const (&x)[row_tile], const float* const (&w)[column_tile],
                              int64_t k, const float* later) {
  FloatVector sums[vector_lanes];
#pragma GCC unroll 16  // else they are cleared in memory, one of the slower things to do here
  for (FloatVector& sum : sums) sum = FloatVector{};
  for (int64_t i = 0; i < k; i += vector_lanes) {
    for (int64_t c = 0; c < asks; ++c) __builtin_prefetch(later + c * k + i, 0, 2);
    FloatVector w_parts[column_tile];
    for (int64_t c = 0; c < column_tile; ++c) std::memcpy(&w_parts[c], w[c] + i, sizeof w_parts[c]);
    for (int64_t r = 0; r < row_tile; ++r) {
      FloatVector x_part;
      std::memcpy(&x_part, x[r] + i, sizeof x_part);
      for (int64_t c = 0; c < column_tile; ++c) sums[r * column_tile + c] += x_part * w_parts[c];
    }
  }
  sum_each(sums);
  return sums[0];
}

// y[m, n] = x w^T: x [m, k], w [n, k], y with rows `y_step` apart; k is a multiple of a vector's length. Each element is the same whatever
// m and n are.
inline void multiply_few_rows(const float* x, const float* w, float* y, int64_t m, int64_t n, int64_t k,
                              int64_t y_step) {
  // The weight comes from far away: while x is multiplied by a tile of it the next one is asked for, a part with each tile of x, so that
  // the memory is never idle. Asking beyond the end of w does no harm.
  const int64_t asks = ceil_div(column_tile, ceil_div(m, row_tile));
  for (int64_t column = 0; column < n; column += column_tile) {
    const int64_t columns = std::min(column_tile, n - column);
    int64_t asked = 0;  // rows of the next tile
    for (int64_t row = 0; row < m; row += row_tile) {
      const int64_t rows = std::min(row_tile, m - row);
      // At the edges the last row or column is computed more often than needed.
      const float *x_rows[row_tile], *w_rows[column_tile];
      for (int64_t r = 0; r < row_tile; ++r) x_rows[r] = x + (row + std::min(r, rows - 1)) * k;
      for (int64_t c = 0; c < column_tile; ++c) w_rows[c] = w + (column + std::min(c, columns - 1)) * k;
      const auto multiply = asked >= column_tile ? multiply_few_tile<0>
                            : asks == 1          ? multiply_few_tile<1>
                            : asks == 2          ? multiply_few_tile<2>
                                                 : multiply_few_tile<column_tile>;
      const FloatVector tile = multiply(x_rows, w_rows, k, w + (column + column_tile + asked) * k);
      asked += asks;
      for (int64_t r = 0; r < rows; ++r)
        for (int64_t c = 0; c < columns; ++c) y[(row + r) * y_step + column + c] = tile[r * column_tile + c];
    }
  }
}

}  // namespace gradus::cpu
