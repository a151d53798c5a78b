#include "tasks/pretraining/batch.h"

#include <algorithm>

#include "tasks/model/token_packer.h"

namespace gradus {
namespace {

constexpr int32_t no_row = -1, no_label = -100;

// The rows that the heads look at, and which of them are whose.
struct ChosenRows {
  std::vector<int32_t> rows, first, masked;

  void add(int32_t begin, const PretrainingExample& example) {
    first.push_back(static_cast<int32_t>(rows.size()));
    rows.push_back(begin);
    for (const int32_t position : example.masked_positions) {
      if (position > 0) rows.push_back(begin + position);
      masked.push_back(position > 0 ? static_cast<int32_t>(rows.size()) - 1 : first.back());
    }
  }
};

}  // namespace

std::array<int32_t, 2> pair_numbers(const PretrainingExample& example) {
  return {example.first_length, example.random_next};
}

HostBatch pack_pretraining(const Backend& backend, std::span<const PretrainingExample> examples,
                           std::span<const int32_t> chosen) {
  HostBatch batch;
  TokenPacker tokens;
  ChosenRows heads;
  std::vector<int32_t> random_next, words;
  for (const int32_t index : chosen) {
    const PretrainingExample& example = examples[static_cast<size_t>(index)];
    heads.add(tokens.rows(), example);
    words.insert(words.end(), example.masked_ids.begin(), example.masked_ids.end());
    random_next.push_back(example.random_next);
    std::vector<int32_t> token_types(example.input_ids.size(), 1);
    std::fill_n(token_types.begin(), example.first_length, 0);
    tokens.add(example.input_ids, token_types);
    batch.numbers.push_back(index);
  }
  batch.weights = {static_cast<double>(words.size()), static_cast<double>(chosen.size())};
  if (words.empty()) {  // a batch of no masked word at all has a row for none
    words.push_back(no_label);
    heads.masked.push_back(no_row);
  }
  tokens.add_to(batch, backend);
  add_padded(batch, "rows", std::move(heads.rows), no_row, backend);
  add_padded(batch, "first", std::move(heads.first), no_row, backend);
  add_padded(batch, "masked", std::move(heads.masked), no_row, backend);
  add_padded(batch, "random_next", std::move(random_next), no_label, backend);
  add_padded(batch, "words", std::move(words), no_label, backend);
  return batch;
}

PretrainingBatch pretraining_batch(const Batch& batch) {
  return {tokens_of(batch), batch["rows"],        batch["first"],
          batch["masked"],  batch["random_next"], batch["words"]};
}

}  // namespace gradus
