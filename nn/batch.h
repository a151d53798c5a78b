// What models read: packed tokens. A batch has no padding inside; the last few rows may belong to no sequence, so
// that the number of rows is a multiple of `row_multiple` and the code generated for one shape serves many batches.
#pragma once

#include "core/backend.h"

namespace gradus {

inline constexpr int64_t row_multiple = 16;

struct TokenBatch {
  Tensor input_ids;       // int32 [T]
  Tensor token_type_ids;  // int32 [T]
  Tensor position_ids;    // int32 [T], from 0 in each sequence
  Packing packing;
};

}  // namespace gradus
