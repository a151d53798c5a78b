// Sequences of tokens one after the other, as the encoder reads them.
#pragma once

#include <span>
#include <vector>

#include "nn/batch.h"

namespace gradus {

class TokenPacker {
 public:
  // Adds a sequence. `token_types` has a number for each token, or is empty for zeros.
  void add(std::span<const int32_t> ids, std::span<const int32_t> token_types = {});
  // The row that the next sequence begins with.
  int32_t rows() const { return offsets_.back(); }
  // What was added, filled up to padded_rows with rows that belong to no sequence.
  TokenBatch batch(Backend& backend) const;

 private:
  std::vector<int32_t> ids_, token_types_, positions_, offsets_{0};
  int64_t longest_ = 0;
};

Tensor int_tensor(Backend& backend, const std::vector<int32_t>& values);
// The same, filled up to padded_rows.
Tensor padded_int_tensor(Backend& backend, std::vector<int32_t> values, int32_t filler);

}  // namespace gradus
