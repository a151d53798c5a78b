#include "tasks/classifier/batch.h"

namespace gradus {

HostBatch pack_classifier(const Backend& backend, std::span<const ClassificationExample> examples,
                          std::span<const int32_t> chosen, std::span<const float> class_weights) {
  HostBatch batch;
  TokenPacker tokens;
  std::vector<int32_t> first_rows, labels;
  std::vector<float> scores;
  double weight = 0;
  for (const int32_t index : chosen) {
    const ClassificationExample& example = examples[static_cast<size_t>(index)];
    first_rows.push_back(tokens.rows());
    labels.push_back(example.label);
    scores.push_back(example.score);
    weight +=
        class_weights.empty() ? 1 : static_cast<double>(class_weights[static_cast<size_t>(example.label)]);
    tokens.add(example.input_ids, example.segment_ids);
    batch.numbers.push_back(index);
  }
  batch.weights = {weight};
  tokens.add_to(batch, backend);
  add_padded(batch, "first_rows", std::move(first_rows), -1, backend);
  add_padded(batch, "labels", std::move(labels), -100, backend);
  batch.add("scores", {std::ssize(scores)}, std::span<const float>(scores));
  return batch;
}

ClassifierBatch classifier_batch(const Batch& batch) {
  return {tokens_of(batch), batch["first_rows"], batch["labels"], batch["scores"]};
}

}  // namespace gradus
