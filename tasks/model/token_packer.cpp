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

TokenBatch TokenPacker::batch(Backend& backend) const {
  return {padded_int_tensor(backend, ids_, 0),
          padded_int_tensor(backend, token_types_, 0),
          padded_int_tensor(backend, positions_, 0),
          {int_tensor(backend, offsets_), longest_}};
}

Tensor int_tensor(Backend& backend, const std::vector<int32_t>& values) {
  return Tensor::from(backend, {static_cast<int64_t>(values.size())}, std::span(values));
}

Tensor padded_int_tensor(Backend& backend, std::vector<int32_t> values, int32_t filler) {
  values.resize(static_cast<size_t>(padded_rows(static_cast<int64_t>(values.size()))), filler);
  return int_tensor(backend, values);
}

}  // namespace gradus
