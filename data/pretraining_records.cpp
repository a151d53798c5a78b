#include "data/pretraining_records.h"

#include <algorithm>
#include <utility>

#include "core/error.h"
#include "data/pretraining_instances.h"
#include "data/token_records.h"

namespace gradus {
namespace {

// Behind the columns of tokens, in the order of pretraining_record_columns().
enum PretrainingColumn : uint8_t {
  next_column = token_columns,
  positions_column,
  ids_column,
  weights_column,
};

int32_t first_segment(const DatasetReader& reader, const std::vector<int32_t>& segments, size_t count) {
  const auto end = segments.begin() + static_cast<std::ptrdiff_t>(count);
  const auto second = std::find_if(segments.begin(), end, [](int32_t x) { return x != 0; });
  const auto odd = std::find_if(second, end, [](int32_t x) { return x != 1; });
  if (odd != end)
    fail("{}: segment_ids[{}] is {}: expected zeros, then ones", reader.where(), odd - segments.begin(),
         *odd);
  return static_cast<int32_t>(second - segments.begin());
}

// How many places for masked tokens are used: as many as weights are 1.
size_t masked_count(const DatasetReader& reader, const DatasetRow& row) {
  const std::vector<float>& weights = row[weights_column].floats;
  for (const auto& [column, name] :
       {std::pair{positions_column, "masked_lm_positions"}, {ids_column, "masked_lm_ids"}}) {
    check(row[column].ints.size() == weights.size(), "{}: {} has {} values, masked_lm_weights {}",
          reader.where(), name, row[column].ints.size(), weights.size());
  }
  const auto end = std::ranges::find_if(weights, [](float x) { return x != 1; });
  const auto odd = std::find_if(end, weights.end(), [](float x) { return x != 0; });
  check(odd == weights.end(), "{}: masked_lm_weights[{}] is {}: expected ones, then zeros", reader.where(),
        odd - weights.begin(), odd == weights.end() ? 0 : *odd);
  return static_cast<size_t>(end - weights.begin());
}

// The masked tokens in the order of their positions.
void read_masked(const DatasetReader& reader, const DatasetRow& row, int32_t vocab_size,
                 PretrainingExample& example) {
  const std::vector<int32_t>&positions = row[positions_column].ints, &ids = row[ids_column].ints;
  std::vector<std::pair<int32_t, int32_t>> masked;
  for (size_t i = 0; i < masked_count(reader, row); ++i) {
    if (positions[i] < 0 || positions[i] >= std::ssize(example.input_ids))
      fail("{}: masked_lm_positions[{}] is {}: the record has {} tokens", reader.where(), i, positions[i],
           example.input_ids.size());
    if (ids[i] < 0 || ids[i] >= vocab_size)
      fail("{}: masked_lm_ids[{}] is {}: the vocabulary has {} pieces", reader.where(), i, ids[i],
           vocab_size);
    masked.emplace_back(positions[i], ids[i]);
  }
  std::ranges::sort(masked);
  for (const auto& [position, id] : masked) {
    if (!example.masked_positions.empty() && example.masked_positions.back() == position)
      fail("{}: masked_lm_positions names {} twice", reader.where(), position);
    example.masked_positions.push_back(position);
    example.masked_ids.push_back(id);
  }
}

}  // namespace

PretrainingRecordStream::PretrainingRecordStream(const std::string& path, const DatasetStreamOptions& options,
                                                 const PretrainingLimits& limits)
    : path_(path),
      limits_(limits),
      records_(std::make_shared<DatasetStream>(path, pretraining_record_columns(), options)) {}

PretrainingRecordSizes PretrainingRecordStream::read(int64_t most,
                                                     const std::function<void(PretrainingExample)>& take) {
  PretrainingRecordSizes sizes;
  for (DatasetRow row; sizes.records < most && records_->next(row); ++sizes.records) {
    take(example(*records_, row));
    sizes.length = std::max(sizes.length, std::ssize(row[input_ids_column].ints));
    sizes.predictions = std::max(sizes.predictions, std::ssize(row[ids_column].ints));
  }
  check(sizes.records > 0, "{}: no record", path_);
  return sizes;
}

PretrainingExample PretrainingRecordStream::example(const DatasetReader& reader,
                                                    const DatasetRow& row) const {
  PretrainingExample example;
  const size_t count = count_tokens(reader, row, limits_.longest, limits_.vocab_size);
  const std::vector<int32_t>& ids = row[input_ids_column].ints;
  example.input_ids.assign(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(count));
  example.first_length = first_segment(reader, row[segment_ids_column].ints, count);
  const std::vector<int32_t>& next = row[next_column].ints;
  check(next.size() == 1, "{}: next_sentence_labels has {} values: expected 1", reader.where(), next.size());
  check(next[0] == 0 || next[0] == 1, "{}: next_sentence_labels is {}: expected 0 or 1", reader.where(),
        next[0]);
  example.random_next = next[0];
  read_masked(reader, row, limits_.vocab_size, example);
  return example;
}

}  // namespace gradus
