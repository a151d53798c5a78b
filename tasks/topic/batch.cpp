#include "tasks/topic/batch.h"

namespace gradus {

HostBatch pack_topics(const Backend& backend, std::span<const TopicExample> examples,
                      std::span<const int32_t> chosen) {
  HostBatch batch;
  TokenPacker tokens;
  std::vector<int32_t> first_rows, labels;
  for (const int32_t number : chosen) {
    const TopicExample& example = examples[static_cast<size_t>(number)];
    first_rows.push_back(tokens.rows());
    tokens.add(example.input_ids);
    labels.push_back(example.label);
    batch.numbers.push_back(number);
  }
  tokens.add_to(batch, backend);
  add_padded(batch, "first_rows", std::move(first_rows), -1, backend);
  add_padded(batch, "labels", std::move(labels), -100, backend);
  batch.weights = {static_cast<double>(chosen.size())};
  return batch;
}

TopicBatch topic_batch(const Batch& batch) {
  return {tokens_of(batch), batch["first_rows"], batch["labels"]};
}

}  // namespace gradus
