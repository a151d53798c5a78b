#include "tasks/ner/batch.h"

#include <algorithm>

namespace gradus {

HostBatch pack_ner(const Backend& backend, std::span<const NerExample> examples,
                   std::span<const int32_t> chosen) {
  HostBatch batch;
  TokenPacker tokens;
  std::vector<int32_t> rows, labels, word_offsets{0};
  int64_t most_words = 0;
  for (const int32_t index : chosen) {
    const NerExample& example = examples[static_cast<size_t>(index)];
    for (const int32_t piece : example.first_pieces) rows.push_back(tokens.rows() + piece);
    labels.insert(labels.end(), example.labels.begin(), example.labels.end());
    labels.resize(rows.size(), -100);
    tokens.add(example.input_ids);
    word_offsets.push_back(static_cast<int32_t>(rows.size()));
    most_words = std::max(most_words, std::ssize(example.first_pieces));
    batch.numbers.push_back(index);
  }
  batch.weights = {
      static_cast<double>(std::ranges::count_if(labels, [](int32_t label) { return label >= 0; }))};
  tokens.add_to(batch, backend);
  add_padded(batch, "rows", std::move(rows), -1, backend);
  add_padded(batch, "labels", std::move(labels), -100, backend);
  add_padded_offsets(batch, "word_offsets", word_offsets, most_words, backend);
  return batch;
}

NerBatch ner_batch(const Batch& batch) {
  return {tokens_of(batch), batch["rows"], batch.packing("word_offsets"), batch["labels"]};
}

}  // namespace gradus
