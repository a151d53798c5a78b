// A BERT small enough for tests on every backend, and a batch for it.
#pragma once

#include <algorithm>
#include <numeric>
#include <vector>

#include "nn/bert.h"

namespace gradus {

inline BertConfig tiny_bert() {
  BertConfig config;
  config.vocab_size = 30;
  config.hidden_size = 16;
  config.num_hidden_layers = 2;
  config.num_attention_heads = 2;
  config.intermediate_size = 24;
  config.max_position_embeddings = 12;
  config.initializer_range = 0.3;  // so that activations differ from row to row
  return config;
}

template <typename T>
Tensor tensor_of(Backend& backend, const std::vector<T>& values) {
  return Tensor::from(backend, {static_cast<int64_t>(values.size())}, std::span<const T>(values));
}

// Sequences of the lengths given, and `unused` rows after them that belong to none and have the id `filler`.
inline TokenBatch tiny_tokens(Backend& backend, const std::vector<int32_t>& lengths, int64_t unused,
                              int32_t filler = 0) {
  std::vector<int32_t> ids, types, positions, offsets{0};
  for (const int32_t length : lengths) {
    for (int32_t t = 0; t < length; ++t) {
      positions.push_back(t);
      types.push_back(t > length / 2 ? 1 : 0);
      ids.push_back(static_cast<int32_t>((7 * ids.size() + 3) % 30));
    }
    offsets.push_back(static_cast<int32_t>(ids.size()));
  }
  const size_t rows = ids.size() + static_cast<size_t>(unused);
  ids.resize(rows, filler);
  types.resize(rows);
  positions.resize(rows);
  return {tensor_of(backend, ids),
          tensor_of(backend, types),
          tensor_of(backend, positions),
          {tensor_of(backend, offsets), *std::max_element(lengths.begin(), lengths.end())}};
}

}  // namespace gradus
