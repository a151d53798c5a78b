// Vectors of the width of the instruction set that this file is compiled for, by GCC's vector extension:
// arithmetic on them is written with the usual operators, and they may lie over arrays of their elements.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#ifdef __SSE2__
#include <immintrin.h>
#endif

namespace gradus::cpu {

#if defined(__AVX512F__)
constexpr int vector_bytes = 64;
#elif defined(__AVX2__)
constexpr int vector_bytes = 32;
#else
constexpr int vector_bytes = 16;
#endif

constexpr int vector_lanes = vector_bytes / static_cast<int>(sizeof(float));

using FloatVector = float __attribute__((vector_size(vector_bytes), may_alias));
using WordVector = uint64_t __attribute__((vector_size(vector_bytes), may_alias));

constexpr int64_t ceil_div(int64_t n, int64_t divisor) { return (n + divisor - 1) / divisor; }
constexpr int64_t round_up(int64_t n, int64_t multiple) { return ceil_div(n, multiple) * multiple; }

// The 64-bit products of the lower halves of the elements with `factor`. The one intrinsic of this backend:
// written as (x & 0xffffffff) * factor, GCC 12 makes a full 64-bit product of it, which is two to six times
// slower.
inline WordVector multiply_low_halves(WordVector x, uint32_t factor) {
  const WordVector factors = WordVector{} + factor;
#if defined(__AVX512F__)
  return reinterpret_cast<WordVector>(
      _mm512_maskz_mul_epu32(0xff, reinterpret_cast<__m512i>(x), reinterpret_cast<__m512i>(factors)));
#elif defined(__AVX2__)
  return reinterpret_cast<WordVector>(
      _mm256_mul_epu32(reinterpret_cast<__m256i>(x), reinterpret_cast<__m256i>(factors)));
#elif defined(__SSE2__)
  return reinterpret_cast<WordVector>(
      _mm_mul_epu32(reinterpret_cast<__m128i>(x), reinterpret_cast<__m128i>(factors)));
#else
  return (x & 0xffffffffU) * factors;
#endif
}

inline FloatVector larger(FloatVector a, FloatVector b) { return a > b ? a : b; }

template <size_t step, size_t... lane>
FloatVector swap_lanes(FloatVector x, std::index_sequence<lane...>) {
  return __builtin_shufflevector(x, x, (lane ^ step)...);
}

// The largest element, by comparing halves, quarters, and so on.
template <size_t step = vector_lanes / 2>
float largest_lane(FloatVector x) {
  x = larger(x, swap_lanes<step>(x, std::make_index_sequence<vector_lanes>()));
  if constexpr (step > 1) return largest_lane<step / 2>(x);
  else return x[0];
}

// The sum of the elements, by adding halves, quarters, and so on.
template <size_t step = vector_lanes / 2>
float sum_lanes(FloatVector x) {
  x += swap_lanes<step>(x, std::make_index_sequence<vector_lanes>());
  if constexpr (step > 1) return sum_lanes<step / 2>(x);
  else return x[0];
}

// Exchanges the upper right and lower left quarters of every square of 2 * step by 2 * step elements that
// `a` and `b` are rows `step` apart of.
template <size_t step, size_t... lane>
void exchange_quarters(FloatVector& a, FloatVector& b, std::index_sequence<lane...>) {
  constexpr size_t lanes = sizeof...(lane);
  const FloatVector upper = __builtin_shufflevector(a, b, ((lane & step) ? lanes + lane - step : lane)...);
  b = __builtin_shufflevector(a, b, ((lane & step) ? lanes + lane : lane + step)...);
  a = upper;
}

// Transposes a square of elements: its quarters, the quarters of these, and so on.
template <size_t step = vector_lanes / 2>
void transpose(FloatVector (&rows)[vector_lanes]) {
  for (size_t i = 0; i < vector_lanes; ++i) {
    if ((i & step) == 0) {
      exchange_quarters<step>(rows[i], rows[i + step], std::make_index_sequence<vector_lanes>());
    }
  }
  if constexpr (step > 1) transpose<step / 2>(rows);
}

}  // namespace gradus::cpu
