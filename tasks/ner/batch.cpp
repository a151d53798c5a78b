#include "tasks/ner/batch.h"

#include <algorithm>
#include <numeric>

namespace gradus {
namespace {

Tensor to_tensor(Backend& backend, const std::vector<int32_t>& values) {
  return Tensor::from(backend, {static_cast<int64_t>(values.size())}, std::span(values));
}

void pad(std::vector<int32_t>& values, int32_t filler) {
  values.resize(static_cast<size_t>(padded_rows(static_cast<int64_t>(values.size()))), filler);
}

}  // namespace

NerBatch make_ner_batch(Backend& backend, std::span<const NerExample> examples,
                        std::span<const int32_t> chosen) {
  std::vector<int32_t> ids, positions, rows, labels, token_offsets{0}, word_offsets{0};
  int64_t longest = 0, most_words = 0;
  for (const int32_t index : chosen) {
    const NerExample& example = examples[static_cast<size_t>(index)];
    const int32_t begin = token_offsets.back();
    const size_t length = example.input_ids.size();
    ids.insert(ids.end(), example.input_ids.begin(), example.input_ids.end());
    positions.resize(ids.size());
    std::iota(positions.end() - static_cast<std::ptrdiff_t>(length), positions.end(), 0);
    for (const int32_t piece : example.first_pieces) rows.push_back(begin + piece);
    labels.insert(labels.end(), example.labels.begin(), example.labels.end());
    labels.resize(rows.size(), -100);
    token_offsets.push_back(static_cast<int32_t>(ids.size()));
    word_offsets.push_back(static_cast<int32_t>(rows.size()));
    longest = std::max(longest, static_cast<int64_t>(length));
    most_words = std::max(most_words, static_cast<int64_t>(example.first_pieces.size()));
  }
  pad(ids, 0);
  pad(positions, 0);
  pad(rows, -1);
  pad(labels, -100);
  const std::vector<int32_t> token_types(ids.size(), 0);
  return {{to_tensor(backend, ids),
           to_tensor(backend, token_types),
           to_tensor(backend, positions),
           {to_tensor(backend, token_offsets), longest}},
          to_tensor(backend, rows),
          {to_tensor(backend, word_offsets), most_words},
          to_tensor(backend, labels)};
}

}  // namespace gradus
