// What models read: packed tokens. A batch has no padding inside; the last few rows may belong to no sequence, so
// that the code generated for one number of rows serves many batches.
#pragma once

#include "core/backend.h"

namespace gradus {

// The number of rows that `rows` are filled up to: a multiple of 16, for long batches of 32. Finer steps compute less
// that nobody reads, coarser ones generate less code, about 1 MiB for each number of rows.
constexpr int64_t padded_rows(int64_t rows) {
  const int64_t multiple = rows <= 512 ? 16 : 32;
  return (rows + multiple - 1) / multiple * multiple;
}

struct TokenBatch {
  Tensor input_ids;       // int32 [T]
  Tensor token_type_ids;  // int32 [T]
  Tensor position_ids;    // int32 [T], from 0 in each sequence
  Packing packing;
};

}  // namespace gradus
