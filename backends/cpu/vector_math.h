// Functions of one float that the compiler vectorizes when they stand in a loop: no call, no table, no
// branch, only selects. They are inlined by order: the compiler's own judgement changes with the number of their callers, and a
// loop with one call left in it is ten times slower (tests/house/vectors.sh looks). A NaN gives a NaN. The bounds stated here are checked by
// tests/backends/vector_math_test.cpp.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <type_traits>

#include "core/dtype.h"

namespace gradus::cpu {

[[gnu::always_inline]] inline float widen(float x) { return x; }
[[gnu::always_inline]] inline float widen(bfloat16 x) {
  return std::bit_cast<float>(static_cast<uint32_t>(x.bits) << 16);
}

// y = x, rounded to the type of y. Kernels write their results through here, as GCC 12 does not vectorize a loop that copies
// a bfloat16 as a whole.
[[gnu::always_inline]] inline void store(float& y, float x) { y = x; }
[[gnu::always_inline]] inline void store(bfloat16& y, float x) { y.bits = bfloat16(x).bits; }

// y = value, or y += value.
template <bool accumulate, typename T>
[[gnu::always_inline]] inline void put(T& y, float value) {
  if constexpr (accumulate) value += widen(y);
  store(y, value);
}

// Calls `f` with std::true_type or std::false_type, to turn a run-time choice into a compile-time one.
template <typename F>
void dispatch_bool(bool value, F&& f) {
  if (value) f(std::true_type{});
  else f(std::false_type{});
}

// e^x = 2 * half * (1 + rest), with half a power of two and rest in [-0.3, 0.42].
struct ExpParts {
  float half;
  float rest;
};

// For x in [-86.98, 89]. x = n ln 2 + r with |r| <= ln(2) / 2 (Cody & Waite 1980: ln 2 in two parts, so that
// the subtraction is exact), and e^r - 1 as a minimax polynomial.
[[gnu::always_inline]] inline ExpParts split_exp(float x) {
  constexpr float shifter = 0x1.8p23F;  // adding it rounds to an integer, which then fills the lowest bits
  const float shifted = x * 1.44269504F + shifter;
  const float n = shifted - shifter;
  float r = x - n * 0.693359375F;
  r = r - n * -2.12194440e-4F;
  float p = 0.00139012835F;
  p = p * r + 0.00836314634F;
  p = p * r + 0.0416668535F;
  p = p * r + 0.166665773F;
  p = p * r + 0.499999996F;
  const uint32_t exponent = std::bit_cast<uint32_t>(shifted) << 23;  // n, where a float's exponent lies
  return {std::bit_cast<float>(exponent + (126U << 23)), p * (r * r) + r};
}

// e^x within 1.5 units in the last place; 0 for x below -86.98 (e^x < 1.7e-38), infinity above 88.72.
[[gnu::always_inline]] inline float simd_exp(float x) {
  const ExpParts e = split_exp(x > 89.0F ? 89.0F : x);
  const float y = (e.half + e.half * e.rest) * 2.0F;
  return x < -86.98F ? 0.0F : y;
}

// 1 / (1 + e^-x) within 3 units in the last place; 0 for x below -88.72.
[[gnu::always_inline]] inline float simd_sigmoid(float x) { return 1.0F / (1.0F + simd_exp(-x)); }

// tanh x within 3 units in the last place. With m = e^2|x| - 1, it is m / (m + 2), which keeps the digits of
// a small x.
[[gnu::always_inline]] inline float simd_tanh(float x) {
  const float size = std::fabs(x);
  const ExpParts e = split_exp(size > 10.0F ? 20.0F : 2.0F * size);
  const float two_to_n = 2.0F * e.half;
  const float m = two_to_n * e.rest + (two_to_n - 1.0F);
  return std::copysign(m / (m + 2.0F), x);
}

// The standard normal distribution at x.
struct Normal {
  float cdf;      // Phi(x), at most 1.3e-7 off; for x < 0 also relatively, within (3 + x^2 / 2) * 1.2e-7
  float density;  // e^(-x^2 / 2) / sqrt(2 pi), with the same bounds
};

// Phi(-|x|) is e^(-x^2 / 2) times a function that falls slowly: a minimax rational function of |x| up to
// 13.2, where the first factor becomes 0. All coefficients are positive, so nothing cancels.
[[gnu::always_inline]] inline Normal normal(float x) {
  const float size = std::fabs(x) > 13.2F ? 13.2F : std::fabs(x);
  const float e = simd_exp(-0.5F * size * size);
  float p = 0.00401164087F;
  p = p * size + 0.0399263712F;
  p = p * size + 0.181134881F;
  p = p * size + 0.435453489F;
  p = p * size + 0.5F;
  float q = 0.010055547F;
  q = q * size + 0.100088038F;
  q = q * size + 0.463926645F;
  q = q * size + 1.19376897F;
  q = q * size + 1.66879189F;
  q = q * size + 1.0F;
  const float tail = e * (p / q);
  return {x < 0.0F ? tail : 1.0F - tail, e * 0.398942280F};
}

}  // namespace gradus::cpu
