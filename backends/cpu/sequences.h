// What the kernels that look at sequences share.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/backend.h"

namespace gradus::cpu {

// Zeroes the rows of x that belong to no sequence.
template <typename T>
void zero_rest(const Tensor& x, const Packing& packing) {
  const int64_t width = x.elements() / std::max<int64_t>(x.shape()[0], 1);
  const int64_t used = packing.offsets.data<int32_t>()[packing.count()] * width;
  std::fill(x.data<T>() + used, x.data<T>() + x.elements(), T{});
}

}  // namespace gradus::cpu
