// The point-wise functions of core/kernels.h with their derivatives.
#pragma once

#include <type_traits>

#include "backends/cpu/vector_math.h"
#include "core/kernels.h"

namespace gradus::cpu {

// f(x) and f'(x).
struct Point {
  float value;
  float slope;
};

// Inlined by order: a loop with a call in it is not vectorized.
template <Activation kind>
[[gnu::always_inline]] inline Point evaluate(float x) {
  if constexpr (kind == Activation::gelu) {
    const Normal n = normal(x);
    return {x * n.cdf, n.cdf + x * n.density};
  } else if constexpr (kind == Activation::gelu_tanh) {
    constexpr float a = 0.797884561F;  // sqrt(2 / pi)
    constexpr float b = 0.044715F;
    const float c = x > 100.0F ? 100.0F : x < -100.0F ? -100.0F : x;  // the cube of more could be infinite
    const float t = simd_tanh(a * (c + b * c * c * c));
    return {0.5F * x * (1.0F + t),
            0.5F * (1.0F + t) + 0.5F * c * (1.0F - t * t) * a * (1.0F + 3.0F * b * c * c)};
  } else if constexpr (kind == Activation::fast_gelu) {
    const float s = simd_sigmoid(1.702F * x);
    return {x * s, s + 1.702F * x * s * (1.0F - s)};
  } else if constexpr (kind == Activation::relu) {
    return {x < 0.0F ? 0.0F : x, x > 0.0F ? 1.0F : 0.0F};
  } else if constexpr (kind == Activation::tanh) {
    const float t = simd_tanh(x);
    return {t, 1.0F - t * t};
  } else {
    return {x, 1.0F};
  }
}

// Calls `f` with the activation as a compile-time constant.
template <typename F>
void dispatch_activation(Activation kind, F&& f) {
  switch (kind) {
    case Activation::none:
      return f(std::integral_constant<Activation, Activation::none>{});
    case Activation::gelu:
      return f(std::integral_constant<Activation, Activation::gelu>{});
    case Activation::gelu_tanh:
      return f(std::integral_constant<Activation, Activation::gelu_tanh>{});
    case Activation::fast_gelu:
      return f(std::integral_constant<Activation, Activation::fast_gelu>{});
    case Activation::relu:
      return f(std::integral_constant<Activation, Activation::relu>{});
    case Activation::tanh:
      return f(std::integral_constant<Activation, Activation::tanh>{});
  }
}

}  // namespace gradus::cpu
