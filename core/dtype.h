// Element types of tensors, and dispatch from a run-time type to a compile-time one.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "core/error.h"
#include "core/on_device.h"

namespace gradus {

enum class DType : uint8_t { float32, bfloat16, float16, int32, int8, uint8 };

// The upper half of a float: 8 exponent bits, 7 mantissa bits. Conversion rounds to nearest, ties to even.
struct bfloat16 {
  uint16_t bits = 0;

  bfloat16() = default;
  // Without a branch, so that loops become vector code.
  GRADUS_ON_DEVICE explicit bfloat16(float value) {
    const auto word = std::bit_cast<uint32_t>(value);
    const uint32_t rounded = word + 0x7fffU + ((word >> 16) & 1U);
    const uint32_t quiet = word | 0x400000U;  // a NaN is not rounded, which could carry it into infinity
    bits = static_cast<uint16_t>((value != value ? quiet : rounded) >> 16);
  }
  GRADUS_ON_DEVICE explicit operator float() const {
    return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
  }
};

// IEEE 754 binary16: 5 exponent bits, 10 mantissa bits, up to 65504. Conversion rounds to nearest, ties to even; what is too large becomes
// infinite. Only the CUDA backend computes with it.
struct float16 {
  uint16_t bits = 0;

  float16() = default;
  GRADUS_ON_DEVICE explicit float16(float value) {
#ifdef __CUDA_ARCH__
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
#else
    const auto word = std::bit_cast<uint32_t>(value);
    const uint32_t sign = word >> 16 & 0x8000U, magnitude = word & 0x7fffffffU;
    constexpr uint32_t infinity = 0x7f800000U, least_infinite = 0x477ff000U, least_normal = 0x38800000U;
    uint32_t narrow = 0;
    if (magnitude > infinity) narrow = 0x7e00U | (magnitude >> 13 & 0x3ffU);
    else if (magnitude >= least_infinite) narrow = 0x7c00U;
    else if (magnitude >= least_normal)
      narrow = (magnitude - 0x38000000U + 0xfffU + (magnitude >> 13 & 1U)) >> 13;
    else  // the sum has the step of the denormal numbers, 2^-24
      narrow =
          std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) + 0.5F) - std::bit_cast<uint32_t>(0.5F);
    bits = static_cast<uint16_t>(sign | narrow);
#endif
  }
  GRADUS_ON_DEVICE explicit operator float() const {
#ifdef __CUDA_ARCH__
    float value;
    asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
    return value;
#else
    const uint32_t sign = (bits & 0x8000U) << 16, magnitude = bits & 0x7fffU;
    if (magnitude >= 0x7c00U) return std::bit_cast<float>(sign | 0x7f800000U | (magnitude & 0x3ffU) << 13);
    if (magnitude >= 0x400U) return std::bit_cast<float>(sign | ((magnitude << 13) + 0x38000000U));
    const float denormal = static_cast<float>(magnitude) * 0x1p-24F;
    return sign != 0 ? -denormal : denormal;
#endif
  }
};

constexpr size_t size_of(DType type) {
  switch (type) {
    case DType::float32:
    case DType::int32:
      return 4;
    case DType::bfloat16:
    case DType::float16:
      return 2;
    case DType::int8:
    case DType::uint8:
      return 1;
  }
  return 0;
}

constexpr std::string_view name_of(DType type) {
  switch (type) {
    case DType::float32:
      return "float32";
    case DType::bfloat16:
      return "bfloat16";
    case DType::float16:
      return "float16";
    case DType::int32:
      return "int32";
    case DType::int8:
      return "int8";
    case DType::uint8:
      return "uint8";
  }
  return "?";
}

template <typename T>
constexpr DType dtype_of() {
  if constexpr (std::is_same_v<T, float>) return DType::float32;
  else if constexpr (std::is_same_v<T, bfloat16>) return DType::bfloat16;
  else if constexpr (std::is_same_v<T, float16>) return DType::float16;
  else if constexpr (std::is_same_v<T, int32_t>) return DType::int32;
  else if constexpr (std::is_same_v<T, int8_t>) return DType::int8;
  else if constexpr (std::is_same_v<T, uint8_t>) return DType::uint8;
  else static_assert(!sizeof(T), "no DType for this C++ type");
}

// Calls `f` with a value of the C++ type that `type` names: float or bfloat16, the types CPU kernels compute
// on. Throws Error for the others.
template <typename F>
decltype(auto) dispatch_float(DType type, std::string_view op, F&& f) {
  if (type == DType::bfloat16) return f(bfloat16{});
  check(type == DType::float32, "[{}] no kernel for {}: expected float32 or bfloat16", op, name_of(type));
  return f(float{});
}

}  // namespace gradus
