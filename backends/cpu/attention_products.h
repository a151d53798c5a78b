// One head of attention over one sequence: the sizes of its buffers, and its products.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <type_traits>

#include "backends/cpu/gemm.h"
#include "backends/cpu/micro_gemm.h"
#include "backends/cpu/relative_positions.h"
#include "backends/cpu/scratch.h"
#include "backends/cpu/simd.h"
#include "backends/cpu/vector_math.h"

namespace gradus::cpu {

// Where a head lies, and the sizes of its buffers. With relative positions the rows of their table stand behind the keys
// and values, as if they were more of these (backends/cpu/relative_positions.h).
struct Head {
  int64_t begin;          // first row of the sequence
  int64_t length;         // S
  int64_t index;          // of the head
  int64_t count;          // heads in all
  int64_t size;           // D
  int64_t padded;         // D rounded up to vectors
  int64_t padded_length;  // S rounded up to whole vectors or tiles
  int64_t block;          // rows of scores at a time
  int64_t stored;         // rows of queries: padded_length, or whole blocks where these are more
  RelativeRows relative;  // what the sequence may look up of the table
  int64_t columns;        // of a row of scores: padded_length, and the table's rows rounded up like S
  bool trains_table;      // the table's rows have gradients, as the keys have

  int64_t hidden() const { return count * size; }
  float scale() const { return 1.0F / std::sqrt(static_cast<float>(size)); }
  // The rows of keys, up to the last that counts, and those of them that have a gradient.
  int64_t keys() const { return relative ? padded_length + relative.count() : length; }
  int64_t trained_keys() const { return trains_table ? keys() : length; }
  int64_t queries_size() const { return stored * padded; }
  int64_t keys_size() const { return columns * padded; }
  int64_t scores_size() const { return block * columns; }
};

// The head `index` of `count`, of `size` numbers each, over the rows from `begin` on.
template <typename Products>
Head make_head(int64_t begin, int64_t length, int64_t index, int64_t count, int64_t size,
               const RelativeTable& table) {
  const int64_t padded_length = round_up(length, Products::length_unit);
  const int64_t block = Products::block_of(padded_length);
  const int64_t stored = Products::whole_blocks ? round_up(padded_length, block) : padded_length;
  // Lengths that are rounded up to the same have the same products, where those are generated for each size.
  const RelativeRows relative = table.within(Products::whole_blocks ? padded_length : length);
  const int64_t columns = padded_length + round_up(relative.count(), Products::length_unit);
  return {begin,         length, index,  count,    size,    round_up(size, 16),
          padded_length, block,  stored, relative, columns, table.trained};
}

// Cuts consecutive buffers out of one block of scratch memory.
class Buffers {
 public:
  Buffers(Scratch& scratch, int64_t floats) : next_(scratch.floats(floats)) {}
  // `count` elements, in the place of as many floats.
  template <typename Element = float>
  Element* take(int64_t count) {
    float* taken = next_;
    next_ += round_up(count, 16);
    return reinterpret_cast<Element*>(taken);
  }

 private:
  float* next_;
};

// to[i][d] = from[i][d] for `rows` rows; those from there up to `stored`, and the columns from D on, are zero.
template <typename T, typename Element>
void copy_rows(const Head& head, const T* from, int64_t stride, int64_t rows, int64_t stored, Element* to) {
  for (int64_t i = 0; i < rows; ++i) {
    const T* row = from + i * stride;
    Element* out = to + i * head.padded;
    if constexpr (std::is_same_v<T, Element>) {
      std::copy_n(row, head.size, out);
    } else {
#pragma omp simd
      for (int64_t d = 0; d < head.size; ++d) store(out[d], widen(row[d]));
    }
    std::fill(out + head.size, out + head.padded, Element{});
  }
  std::fill(to + rows * head.padded, to + stored * head.padded, Element{});
}

template <typename T, typename Element>
void copy_queries(const Head& head, const T* from, int64_t stride, Element* to) {
  copy_rows(head, from, stride, head.length, head.stored, to);
}

// Keys or values, and the table's rows behind them.
template <typename T, typename Element>
void copy_keys(const Head& head, const T* from, int64_t stride, Element* to) {
  copy_rows(head, from, stride, head.length, head.padded_length, to);
  if (!head.relative) return;
  copy_rows(head, head.relative.first, head.size, head.relative.count(), head.columns - head.padded_length,
            to + head.padded_length * head.padded);
}

// to[d][i] = from[i][d] of keys, the paddings included.
inline void transpose_keys(const Head& head, const float* from, float* to) {
  for (int64_t i = 0; i < head.columns; i += vector_lanes) {
    for (int64_t d = 0; d < head.padded; d += vector_lanes) {
      FloatVector square[vector_lanes];
      for (int r = 0; r < vector_lanes; ++r) {
        square[r] = *reinterpret_cast<const FloatVector*>(from + (i + r) * head.padded + d);
      }
      transpose(square);
      for (int r = 0; r < vector_lanes; ++r) {
        *reinterpret_cast<FloatVector*>(to + (d + r) * head.columns + i) = square[r];
      }
    }
  }
}

// to[d] (+)= from[d] * factor.
template <typename T>
void store_row(const Head& head, const float* from, float factor, T* to, bool accumulate) {
  dispatch_bool(accumulate, [&](auto add) {
#pragma omp simd
    for (int64_t d = 0; d < head.size; ++d) put<add>(to[d], from[d] * factor);
  });
}

// Products in float32. In what follows a block is some rows of queries, [rows][padded]; scores and what is made of them
// are [rows][columns], keys and values [columns][padded].
class FloatProducts {
 public:
  using Element = float;
  static constexpr int64_t length_unit = 16;
  static constexpr bool whole_blocks = false;

  // Rows of scores: a multiple of all tile heights; 48 x 512 of them fit the second-level cache.
  static int64_t block_of(int64_t) { return 48; }

  explicit FloatProducts(const Head& head) : head_(head) {}

  // How scores() wants the right operand.
  const float* right_operand(const float* keys, float* buffer) const {
    transpose_keys(head_, keys, buffer);
    return buffer;
  }
  // How the products that follow it want what was made of scores.
  const float* operand(const float* scores, int64_t, float*) const { return scores; }

  // out[i][j] = row i of the block . key j
  void scores(const float* block, int64_t rows, const float* keys, float* out) const {
    multiply<false>(
        {rows, head_.columns, head_.size, block, head_.padded, 1, keys, head_.columns, out, head_.columns});
  }
  // out = weights values
  void mix(const float* weights, int64_t rows, const float* values, float* out) const {
    multiply<false>({rows, head_.padded, head_.keys(), weights, head_.columns, 1, values, head_.padded, out,
                     head_.padded});
  }
  // out += weights^T block, of the keys that have a gradient
  void add_transposed(const float* weights, int64_t rows, const float* block, float* out) const {
    multiply<true>({head_.trained_keys(), head_.padded, rows, weights, 1, head_.columns, block, head_.padded,
                    out, head_.padded});
  }

 private:
  const Head& head_;
};

// The same in bfloat16, for which the rows of a block are always as many as head.block: those beyond are zero.
class TileProducts {
 public:
  using Element = bfloat16;
  static constexpr int64_t length_unit = 32;
  static constexpr bool whole_blocks = true;

  // Equal blocks of whole tiles: their sizes depend on the length alone, so that few lengths make few products.
  static int64_t block_of(int64_t padded_length) {
    return round_up(ceil_div(padded_length, ceil_div(padded_length, 128)), 16);
  }

  struct Codes {
    Gemm::Code& scores;
    Gemm::Code& mix;
    Gemm::Code& add_transposed;

    Codes(Gemm& gemm, const Head& head)
        : scores(gemm.prepare({.m = head.block,
                               .n = head.columns,
                               .k = head.padded,
                               .transpose_b = true,
                               .input = DType::bfloat16})),
          mix(gemm.prepare({.m = head.block, .n = head.padded, .k = head.columns, .input = DType::bfloat16})),
          add_transposed(gemm.prepare({.m = head.trains_table ? head.columns : head.padded_length,
                                       .n = head.padded,
                                       .k = head.block,
                                       .transpose_a = true,
                                       .accumulate = true,
                                       .input = DType::bfloat16})) {}
  };

  TileProducts(const Head& head, const Codes& codes, int64_t lane)
      : head_(head), codes_(codes), lane_(lane) {}

  const bfloat16* right_operand(const bfloat16* keys, float*) const { return keys; }

  const bfloat16* operand(const float* scores, int64_t rows, bfloat16* buffer) const {
    const int64_t used = rows * head_.columns;
#pragma omp simd
    for (int64_t i = 0; i < used; ++i) store(buffer[i], scores[i]);
    std::fill(buffer + used, buffer + head_.scores_size(), bfloat16{});
    return buffer;
  }
  void scores(const bfloat16* block, int64_t, const bfloat16* keys, float* out) const {
    Gemm::run_here(codes_.scores, lane_, block, keys, out);
  }
  void mix(const bfloat16* weights, int64_t, const bfloat16* values, float* out) const {
    Gemm::run_here(codes_.mix, lane_, weights, values, out);
  }
  void add_transposed(const bfloat16* weights, int64_t, const bfloat16* block, float* out) const {
    Gemm::run_here(codes_.add_transposed, lane_, weights, block, out);
  }

 private:
  const Head& head_;
  const Codes& codes_;
  int64_t lane_;
};

}  // namespace gradus::cpu
