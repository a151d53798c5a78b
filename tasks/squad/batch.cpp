#include "tasks/squad/batch.h"

#include <algorithm>

#include "core/error.h"

namespace gradus {

HostBatch pack_squad(const Backend& backend, std::span<const SquadFeature> features,
                     std::span<const int32_t> chosen) {
  HostBatch batch;
  TokenPacker tokens;
  std::vector<int32_t> positions;
  for (const int32_t index : chosen) {
    const SquadWindow& window = features[static_cast<size_t>(index)].window;
    std::vector<int32_t> token_types(window.input_ids.size(), 0);
    std::fill(token_types.begin() + window.context_begin, token_types.end(), 1);
    tokens.add(window.input_ids, token_types);
    const auto length = static_cast<int32_t>(window.input_ids.size());
    check(window.start < length && window.end < length,
          "[squad] the answer is tokens {} to {} of a window of {}", window.start, window.end, length);
    positions.push_back(window.start);
    positions.push_back(window.end);
    batch.numbers.push_back(index);
  }
  batch.weights = {2.0 * static_cast<double>(chosen.size())};
  tokens.add_to(batch, backend);
  batch.add("positions", {std::ssize(chosen), 2}, std::span<const int32_t>(positions));
  return batch;
}

SquadBatch squad_batch(const Batch& batch) { return {tokens_of(batch), batch["positions"]}; }

}  // namespace gradus
