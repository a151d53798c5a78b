// What the kernels that look at sequences share.
#pragma once

#include <cstdint>

#include "core/backend.h"

namespace gradus::cpu {

// Zeroes the rows of x that belong to no sequence.
inline void zero_rest(Backend& backend, const Tensor& x, const Packing& packing) {
  const int64_t used = packing.offsets.data<int32_t>()[packing.count()];
  if (used < x.shape()[0]) backend.fill_zero({x.slice(used, x.shape()[0])});
}

}  // namespace gradus::cpu
