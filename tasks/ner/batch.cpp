#include "tasks/ner/batch.h"

#include <algorithm>

#include "tasks/model/token_packer.h"

namespace gradus {

NerBatch make_ner_batch(Backend& backend, std::span<const NerExample> examples,
                        std::span<const int32_t> chosen) {
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
    most_words = std::max(most_words, static_cast<int64_t>(example.first_pieces.size()));
  }
  return {tokens.batch(backend),
          padded_int_tensor(backend, rows, -1),
          {int_tensor(backend, word_offsets), most_words},
          padded_int_tensor(backend, labels, -100)};
}

}  // namespace gradus
