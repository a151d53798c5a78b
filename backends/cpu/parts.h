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

// A matrix in blocks of rows and columns, so many down and across, numbered row by row.
struct Blocks {
  int64_t rows, columns;
  int64_t down = 1, across = 1;

  struct Block {
    int64_t row, column;
    int64_t height, width;
  };
  int64_t count() const { return down * across; }
  Block operator[](int64_t i) const {
    const int64_t i_row = i / across, i_column = i % across;
    const int64_t row = begin_of(rows, down, i_row), column = begin_of(columns, across, i_column);
    return {row, column, begin_of(rows, down, i_row + 1) - row,
            begin_of(columns, across, i_column + 1) - column};
  }
};

}  // namespace gradus::cpu
