// From values known when a kernel is called to constants that it is compiled for, and how many threads it takes.
#pragma once

#include <algorithm>
#include <type_traits>

#include "backends/cuda/device.h"
#include "core/tensor.h"

namespace gradus::cuda {

// Calls `f` with true or false as a constant.
template <typename F>
void dispatch_bool(bool value, F&& f) {
  if (value) f(std::true_type());
  else f(std::false_type());
}

// The mode of a gradient that may be unwanted.
inline bool accumulates(const Grad& grad) { return grad && grad.accumulate; }

template <typename T>
T* data_of(const Tensor& tensor) {
  return tensor ? tensor.data<T>() : nullptr;
}

inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Enough blocks for so many items, `at_most` at most: kernels loop over the rest.
inline dim3 blocks_for(int64_t items, int64_t of_a_block, int64_t at_most = 0x7fffffff) {
  return dim3{static_cast<unsigned>(std::clamp<int64_t>(ceil_div(items, of_a_block), 1, at_most))};
}

}  // namespace gradus::cuda
