// What both passes of attention on tensor cores (attention_tiles.cu, attention_tiles_backward.cu) are made of.
//
// Tiles in shared memory are rows of a head's part, `skew` numbers farther apart than they are long: eight rows of a fragment then lie in
// different banks.
#pragma once

#include <limits>

#include "backends/cuda/attention.h"
#include "backends/cuda/matrix.h"

namespace gradus::cuda {

constexpr float log2_of_e = 1.44269504F;
constexpr int skew = 8;

// Where the lane's part of fragments lies: rows g and g + 8, columns 2 t and 2 t + 1.
struct Lane {
  int number = static_cast<int>(threadIdx.x) % 32;
  int g = number / 4, t = number % 4;
};

// Fragments out of a tile in shared memory with rows of `stride`. load_a: A [16, 16] from the tile's row and column on; of the transposed tile,
// [columns, rows], load_a_transposed. load_b: two B [16, 8] side by side out of a tile [k, n], load_b_transposed out of one [n, k]; row and
// column are those of B.
template <int stride, typename T>
__device__ __forceinline__ void load_a(uint32_t (&words)[4], const T* tile, int row, int column) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  load_fragments<false>(words, tile + (row + lane / 8 % 2 * 8 + lane % 8) * stride + column + lane / 16 * 8);
}
template <int stride, typename T>
__device__ __forceinline__ void load_a_transposed(uint32_t (&words)[4], const T* tile, int row, int column) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  load_fragments<true>(words, tile + (column + lane / 16 * 8 + lane % 8) * stride + row + lane / 8 % 2 * 8);
}
template <int stride, typename T>
__device__ __forceinline__ void load_b_transposed(uint32_t (&words)[4], const T* tile, int row, int column) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  load_fragments<false>(words, tile + (column + lane / 16 * 8 + lane % 8) * stride + row + lane / 8 % 2 * 8);
}
template <int stride, typename T>
__device__ __forceinline__ void load_b(uint32_t (&words)[4], const T* tile, int row, int column) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  load_fragments<true>(words, tile + (row + lane / 8 % 2 * 8 + lane % 8) * stride + column + lane / 16 * 8);
}

// c[0] and c[1], side by side, += a b.
template <typename T>
__device__ __forceinline__ void multiply_pair(float (*c)[4], const uint32_t (&a)[4], const uint32_t (&b)[4]) {
  multiply_fragments<T>(c[0], a, {b[0], b[1]});
  multiply_fragments<T>(c[1], a, {b[2], b[3]});
}

// Two results side by side, [16, 16], as an A.
template <typename T>
__device__ __forceinline__ void narrow(uint32_t (&a)[4], const float (*c)[4]) {
  GRADUS_UNROLL
  for (int i = 0; i < 4; ++i) a[i] = narrow_pair<T>(c[i / 2][i % 2 * 2], c[i / 2][i % 2 * 2 + 1]);
}

// Begins to copy rows first .. first + count of a head's part of a packed tensor; zeros after its last row.
template <int size, int threads, typename T>
__device__ __forceinline__ void begin_rows(const T* part, int64_t columns, const Head& head, int64_t first,
                                           int count, T* tile) {
  constexpr int at_once = 16 / sizeof(T), of_row = size / at_once;
  GRADUS_ONE_BY_ONE
  for (int i = static_cast<int>(threadIdx.x); i < count * of_row; i += threads) {
    const int row = i / of_row, column = i % of_row * at_once;
    T* const target = tile + row * (size + skew) + column;
    if (first + row < head.length) begin_copy(target, part + (head.begin + first + row) * columns + column);
    else *reinterpret_cast<Pack<uint32_t, 4>*>(target) = {};
  }
}

// Writes two numbers side by side, at a multiple of two, or adds them to what is there.
template <typename T>
__device__ __forceinline__ void put_pair(const Target<T>& target, int64_t i, float first, float second) {
  auto* const word = reinterpret_cast<uint32_t*>(target.data + i);
  if (target.accumulate) {
    first += widen(target.data[i]);
    second += widen(target.data[i + 1]);
  }
  *word = narrow_pair<T>(first, second);
}

// Calls f(number, size, warps): a number of the type, the head's size, and how many warps the longest sequence gives work to, 16 rows each.
template <int most_warps, typename F>
void dispatch_tiles(DType type, int64_t size, int64_t longest, F&& f) {
  const auto with_warps = [&](auto number, auto head) {
    if (longest <= 32) f(number, head, std::integral_constant<int, 2>());
    else if (longest <= 64) f(number, head, std::integral_constant<int, 4>());
    else f(number, head, std::integral_constant<int, most_warps>());
  };
  const auto with_size = [&](auto number) {
    if (size == 64) with_warps(number, std::integral_constant<int, 64>());
    else with_warps(number, std::integral_constant<int, 32>());
  };
  if (type == DType::float16) with_size(float16());
  else with_size(bfloat16());
}

}  // namespace gradus::cuda
