// How the rows and columns of a product are cut into parts.
#pragma once

#include <algorithm>
#include <cstdint>

#include "backends/cpu/simd.h"

namespace gradus::cpu {

// Where part i of so many begins: parts differ by 16 at most, and begin at multiples of 16, so that vectors and tiles are whole.
inline int64_t begin_of(int64_t extent, int64_t parts, int64_t i) {
  return std::min(ceil_div(extent, 16) * i / parts * 16, extent);
}

// How many parts of at most `most` or a little more there are, so many that four threads, or else two, have equal shares where a part
// keeps `least`.
inline int64_t shared_parts_of(int64_t extent, int64_t least, int64_t most) {
  const int64_t parts = ceil_div(extent, most);
  for (const int64_t multiple : {4, 2}) {
    if (extent >= multiple * least) return round_up(parts, multiple);
  }
  return parts;
}

}  // namespace gradus::cpu
