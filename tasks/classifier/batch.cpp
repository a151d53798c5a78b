#include "tasks/classifier/batch.h"

#include "tasks/model/token_packer.h"

namespace gradus {

ClassifierBatch make_classifier_batch(Backend& backend, std::span<const ClassificationExample> examples,
                                      std::span<const int32_t> chosen) {
  TokenPacker tokens;
  std::vector<int32_t> first_rows, labels;
  std::vector<float> scores;
  for (const int32_t index : chosen) {
    const ClassificationExample& example = examples[static_cast<size_t>(index)];
    first_rows.push_back(tokens.rows());
    labels.push_back(example.label);
    scores.push_back(example.score);
    tokens.add(example.input_ids, example.segment_ids);
  }
  return {tokens.batch(backend), padded_int_tensor(backend, first_rows, -1),
          padded_int_tensor(backend, labels, -100),
          Tensor::from(backend, {static_cast<int64_t>(scores.size())}, std::span(scores))};
}

}  // namespace gradus
