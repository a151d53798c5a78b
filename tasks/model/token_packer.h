// Sequences of tokens one after the other, as the encoder reads them.
#pragma once

#include <span>
#include <vector>

#include "data/host_batch.h"
#include "nn/batch.h"

namespace gradus {

class TokenPacker {
 public:
  // Adds a sequence. `token_types` has a number for each token, or is empty for zeros.
  void add(std::span<const int32_t> ids, std::span<const int32_t> token_types = {});
  // The row that the next sequence begins with.
  int32_t rows() const { return offsets_.back(); }
  // Puts what was added into a batch for `backend`, filled up to its padded_rows with rows that belong to no sequence.
  void add_to(HostBatch& batch, const Backend& backend) const;

 private:
  std::vector<int32_t> ids_, token_types_, positions_, offsets_{0};
  int64_t longest_ = 0;
};

// The tokens of a batch that a TokenPacker has put there.
TokenBatch tokens_of(const Batch& batch);

// Adds the offsets of sequences in a part of so many rows, of which the longest has `longest`: more where the backend's
// padded_length says so.
void add_padded_offsets(HostBatch& batch, std::string_view name, std::span<const int32_t> offsets,
                        int64_t longest, const Backend& backend);

// Adds a part of rows, filled up to the backend's padded_rows.
void add_padded(HostBatch& batch, std::string_view name, std::vector<int32_t> values, int32_t filler,
                const Backend& backend);

}  // namespace gradus
