// The point-wise functions of core/kernels.h and their slopes, for one element.
#pragma once

#include <cmath>

#include "core/kernels.h"
#include "core/on_device.h"

namespace gradus {

struct ActivationPoint {
  float value, slope;
};

// Hendrycks & Gimpel 2016, arXiv:1606.08415, for the three forms of gelu.
template <Activation kind>
GRADUS_ON_DEVICE inline ActivationPoint activate(float x) {
  if constexpr (kind == Activation::gelu) {
    constexpr float root_half = 0.707106781F, density_at_zero = 0.398942280F;
    const float cdf = 0.5F * std::erfc(-root_half * x);
    return {x * cdf, cdf + x * density_at_zero * std::exp(-0.5F * x * x)};
  } else if constexpr (kind == Activation::gelu_tanh) {
    constexpr float a = 0.797884561F, b = 0.044715F;                  // sqrt(2 / pi)
    const float c = x > 100.0F ? 100.0F : x < -100.0F ? -100.0F : x;  // the cube of more could be infinite
    const float t = std::tanh(a * (c + b * c * c * c));
    return {0.5F * x * (1 + t), 0.5F * (1 + t) + 0.5F * c * (1 - t * t) * a * (1 + 3 * b * c * c)};
  } else if constexpr (kind == Activation::fast_gelu) {
    const float s = 1 / (1 + std::exp(-1.702F * x));
    return {x * s, s + 1.702F * x * s * (1 - s)};
  } else if constexpr (kind == Activation::relu) {
    return {x < 0 ? 0.0F : x, x > 0 ? 1.0F : 0.0F};
  } else if constexpr (kind == Activation::tanh) {
    const float t = std::tanh(x);
    return {t, 1 - t * t};
  } else {
    return {x, 1};
  }
}

}  // namespace gradus
