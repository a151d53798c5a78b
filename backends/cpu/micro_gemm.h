// Small matrix products in registers, for shapes too small to be worth a call of a library.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "backends/cpu/simd.h"

namespace gradus::cpu {

// A tile of C is held in registers: `tile_rows[v - 1]` rows by v vectors. AVX-512 has 32 registers, the
// others 16; one is needed for the broadcast element of A, v for the row of B.
#if defined(__AVX512F__)
constexpr int tile_vectors = 4;
constexpr std::array<int, tile_vectors> tile_rows{12, 12, 8, 6};
#else
constexpr int tile_vectors = 2;
constexpr std::array<int, tile_vectors> tile_rows{8, 6};
#endif

// C[m, n] = A B, or C += A B. A is [m, k], its element (i, l) at a[i * row_stride + l * column_stride], so
// that it may be a transposed matrix; B [k, n] and C are row-major with rows `ldb` and `ldc` apart. n is a
// multiple of 16.
struct SmallProduct {
  int64_t m, n, k;
  const float* a;
  int64_t row_stride, column_stride;
  const float* b;
  int64_t ldb;
  float* c;
  int64_t ldc;
};

template <int rows, int vectors, bool accumulate>
void multiply_tile(const SmallProduct& p, const float* a, const float* b, float* c) {
  FloatVector sums[rows][vectors];
  for (int r = 0; r < rows; ++r) {
    for (int v = 0; v < vectors; ++v) {
      if constexpr (accumulate) sums[r][v] = reinterpret_cast<const FloatVector*>(c + r * p.ldc)[v];
      else sums[r][v] = FloatVector{};
    }
  }
  for (int64_t l = 0; l < p.k; ++l) {
    FloatVector row[vectors];
    for (int v = 0; v < vectors; ++v) row[v] = reinterpret_cast<const FloatVector*>(b)[v];
    for (int r = 0; r < rows; ++r) {
      const float element = a[r * p.row_stride];
      for (int v = 0; v < vectors; ++v) sums[r][v] += element * row[v];
    }
    a += p.column_stride;
    b += p.ldb;
  }
  for (int r = 0; r < rows; ++r) {
    for (int v = 0; v < vectors; ++v) reinterpret_cast<FloatVector*>(c + r * p.ldc)[v] = sums[r][v];
  }
}

// The last rows of a band: as many as are left.
template <int vectors, bool accumulate, int... counts>
void multiply_rest(const SmallProduct& p, const float* a, const float* b, float* c, int64_t rows,
                   std::integer_sequence<int, counts...>) {
  ((rows == counts + 1 ? multiply_tile<counts + 1, vectors, accumulate>(p, a, b, c) : void()), ...);
}

// All rows of the columns from `column` on that `vectors` vectors cover.
template <int vectors, bool accumulate>
void multiply_band(const SmallProduct& p, int64_t column) {
  constexpr int rows = tile_rows[vectors - 1];
  int64_t i = 0;
  for (; i + rows <= p.m; i += rows) {
    multiply_tile<rows, vectors, accumulate>(p, p.a + i * p.row_stride, p.b + column,
                                             p.c + i * p.ldc + column);
  }
  multiply_rest<vectors, accumulate>(p, p.a + i * p.row_stride, p.b + column, p.c + i * p.ldc + column,
                                     p.m - i, std::make_integer_sequence<int, rows - 1>());
}

// Runs the product. B and C are aligned to vectors, and so are `ldb` and `ldc`.
template <bool accumulate>
void multiply(const SmallProduct& p) {
  constexpr int64_t wide = tile_vectors * vector_lanes;
  int64_t column = 0;
  for (; column + wide <= p.n; column += wide) multiply_band<tile_vectors, accumulate>(p, column);
  const int64_t left = (p.n - column) / vector_lanes;
  if constexpr (tile_vectors > 3) {
    if (left == 3) return multiply_band<3, accumulate>(p, column);
    if (left == 2) return multiply_band<2, accumulate>(p, column);
  }
  if (left == 1) multiply_band<1, accumulate>(p, column);
}

}  // namespace gradus::cpu
