#include "tasks/model/token_packer.h"

#include <algorithm>
#include <numeric>

namespace gradus {

void TokenPacker::add(std::span<const int32_t> ids, std::span<const int32_t> token_types) {
  ids_.insert(ids_.end(), ids.begin(), ids.end());
  token_types_.insert(token_types_.end(), token_types.begin(), token_types.end());
  token_types_.resize(ids_.size(), 0);
  positions_.resize(ids_.size());
  std::iota(positions_.end() - static_cast<std::ptrdiff_t>(ids.size()), positions_.end(), 0);
  offsets_.push_back(static_cast<int32_t>(ids_.size()));
  longest_ = std::max(longest_, static_cast<int64_t>(ids.size()));
}

void TokenPacker::add_to(HostBatch& batch, const Backend& backend) const {
  batch.examples = std::ssize(offsets_) - 1;
  batch.tokens = rows();
  add_padded(batch, "input_ids", ids_, 0, backend);
  add_padded(batch, "token_type_ids", token_types_, 0, backend);
  add_padded(batch, "position_ids", positions_, 0, backend);
  add_padded_offsets(batch, "offsets", offsets_, longest_, backend);
}

TokenBatch tokens_of(const Batch& batch) {
  return {batch["input_ids"], batch["token_type_ids"], batch["position_ids"], batch.packing("offsets")};
}

void add_padded_offsets(HostBatch& batch, std::string_view name, std::span<const int32_t> offsets,
                        int64_t longest, const Backend& backend) {
  batch.add_offsets(name, offsets,
                    std::min(backend.padded_length(longest), backend.padded_rows(offsets.back())));
}

void add_padded(HostBatch& batch, std::string_view name, std::vector<int32_t> values, int32_t filler,
                const Backend& backend) {
  values.resize(static_cast<size_t>(backend.padded_rows(std::ssize(values))), filler);
  batch.add(name, {std::ssize(values)}, std::span<const int32_t>(values));
}

}  // namespace gradus
