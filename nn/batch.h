// What models read: packed tokens. A batch has no padding inside; the last few rows may belong to no sequence, so
// that the code generated for one number of rows serves many batches.
#pragma once

#include "core/backend.h"

namespace gradus {

struct TokenBatch {
  Tensor input_ids;       // int32 [T]
  Tensor token_type_ids;  // int32 [T]
  Tensor position_ids;    // int32 [T], from 0 in each sequence
  Packing packing;
};

}  // namespace gradus
