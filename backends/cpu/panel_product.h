// A small matrix product for the kernels whose operands are pieces of something larger: C (+)= A B with B
// packed into panels, one tile of C in registers at a time. Every element of C is summed over k in order, on
// its own, so the result depends neither on the tiling nor on the number of threads.
#pragma once

#include <algorithm>
#include <cstdint>

#include "backends/cpu/simd.h"

namespace gradus::cpu {

constexpr int64_t tile_vectors = 3;
constexpr int64_t panel_width = tile_vectors * vector_bytes / 4;                    // columns of a panel
constexpr int64_t tile_rows = vector_bytes == 64 ? 8 : vector_bytes == 32 ? 4 : 3;  // what the registers hold

// Columns of a matrix padded to whole panels.
constexpr int64_t padded(int64_t columns) { return round_up(columns, panel_width); }

// Copies columns [0, columns) of `rows` rows, at most one panel's width, into a panel [rows, panel_width];
// the rest of the panel becomes zero. row(k) is a pointer to row k, or nullptr for a row of zeros.
template <typename Row>
void pack_panel(int64_t rows, int64_t columns, float* panel, Row&& row) {
  for (int64_t k = 0; k < rows; ++k, panel += panel_width) {
    const float* const source = row(k);
    const int64_t count = source ? std::min(columns, panel_width) : 0;
    std::copy_n(source, count, panel);
    std::fill(panel + count, panel + panel_width, 0.0F);
  }
}

// The left operand: element (i, k) is data[i * row_step + k * depth_step].
struct LeftOperand {
  const float* data;
  int64_t row_step;
  int64_t depth_step;
};

// c[i][j] (+)= sum_k a(i, k) panel[k][j] for `rows` rows and a panel's columns; c is 64-byte aligned with rows
// c_step apart.
template <int rows>
void multiply_tile(const LeftOperand& a, int64_t depth, const float* panel, float* c, int64_t c_step) {
  FloatVector sum[rows][tile_vectors] = {};
  const float* left = a.data;
  for (int64_t k = 0; k < depth; ++k, left += a.depth_step, panel += panel_width) {
    const auto* const right = reinterpret_cast<const FloatVector*>(panel);
#pragma GCC unroll 8
    for (int i = 0; i < rows; ++i) {
      const float factor = left[i * a.row_step];
#pragma GCC unroll 3
      for (int v = 0; v < tile_vectors; ++v) sum[i][v] += factor * right[v];
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < rows; ++i) {
    auto* const out = reinterpret_cast<FloatVector*>(c + i * c_step);
#pragma GCC unroll 3
    for (int v = 0; v < tile_vectors; ++v) out[v] = sum[i][v];
  }
}

// The same for any number of rows.
inline void multiply_panel(LeftOperand a, int64_t rows, int64_t depth, const float* panel, float* c,
                           int64_t c_step) {
  for (int64_t tiles = (rows + tile_rows - 1) / tile_rows; tiles > 0; --tiles) {
    const int64_t count =
        (rows + tiles - 1) / tiles;  // equal tiles: a short last one would wait for its sums
    switch (count) {
      case 1:
        multiply_tile<1>(a, depth, panel, c, c_step);
        break;
      case 2:
        multiply_tile<2>(a, depth, panel, c, c_step);
        break;
      case 3:
        multiply_tile<3>(a, depth, panel, c, c_step);
        break;
      case 4:
        multiply_tile<4>(a, depth, panel, c, c_step);
        break;
      case 5:
        multiply_tile<5>(a, depth, panel, c, c_step);
        break;
      case 6:
        multiply_tile<6>(a, depth, panel, c, c_step);
        break;
      case 7:
        multiply_tile<7>(a, depth, panel, c, c_step);
        break;
      default:
        multiply_tile<8>(a, depth, panel, c, c_step);
        break;
    }
    a.data += count * a.row_step;
    c += count * c_step;
    rows -= count;
  }
}

}  // namespace gradus::cpu
