// Vectors of the width of the instruction set that this file is compiled for, by GCC's vector extension:
// arithmetic on them is written with the usual operators, and they may lie over arrays of their elements.
#pragma once

#include <cstdint>

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

using FloatVector = float __attribute__((vector_size(vector_bytes), may_alias));
using WordVector = uint64_t __attribute__((vector_size(vector_bytes), may_alias));

constexpr int64_t round_up(int64_t n, int64_t multiple) { return (n + multiple - 1) / multiple * multiple; }

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

}  // namespace gradus::cpu
