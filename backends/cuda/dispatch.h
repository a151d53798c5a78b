// From values known when a kernel is called to constants that it is compiled for, and how many threads it takes.
#pragma once

#include <algorithm>
#include <type_traits>

#include "backends/cuda/device.h"
#include "core/kernels.h"
#include "core/tensor.h"

namespace gradus::cuda {

// Calls `f` with true or false as a constant.
template <typename F>
void dispatch_bool(bool value, F&& f) {
  if (value) f(std::true_type());
  else f(std::false_type());
}

// Calls f with an activation as a constant.
template <typename F>
void dispatch_activation(Activation kind, F&& f) {
  switch (kind) {
#define GRADUS_CASE(name) \
  case Activation::name:  \
    return f(std::integral_constant<Activation, Activation::name>());
    GRADUS_CASE(none)
    GRADUS_CASE(gelu)
    GRADUS_CASE(gelu_tanh)
    GRADUS_CASE(fast_gelu)
    GRADUS_CASE(relu)
    GRADUS_CASE(tanh)
#undef GRADUS_CASE
  }
}

// Calls `f` with a value of the C++ type that `type` names, one of the floats. Throws Error for the others.
template <typename F>
void dispatch_type(DType type, std::string_view op, F&& f) {
  if (type == DType::bfloat16) return f(bfloat16());
  if (type == DType::float16) return f(float16());
  check(type == DType::float32, "[{}] no kernel for {}", op, name_of(type));
  f(0.0F);
}

template <typename T>
T* data_of(const Tensor& tensor) {
  return tensor ? tensor.data<T>() : nullptr;
}

// Where a gradient goes; nowhere when it is unwanted.
template <typename T>
struct Target {
  T* data = nullptr;
  bool accumulate = false;

  explicit Target(const Grad& grad) : data(data_of<T>(grad.tensor)), accumulate(grad.accumulate) {}
  __device__ void put(int64_t i, float value) const {
    if (data != nullptr) data[i] = static_cast<T>(accumulate ? widen(data[i]) + value : value);
  }
};

// Whether a Pack may lie there.
inline bool is_aligned(const void* data) { return reinterpret_cast<uintptr_t>(data) % 16 == 0; }

inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Enough blocks for so many items, or `at_most`: a kernel that is launched with that loops over the rest.
inline dim3 blocks_for(int64_t items, int64_t of_a_block, int64_t at_most = 0x7fffffff) {
  return dim3{static_cast<unsigned>(std::clamp<int64_t>(ceil_div(items, of_a_block), 1, at_most))};
}

}  // namespace gradus::cuda
