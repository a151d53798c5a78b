#include "data/token_records.h"

#include <algorithm>
#include <utility>

#include "core/error.h"

namespace gradus {
namespace {

size_t ones_of_mask(const DatasetReader& reader, const std::vector<int32_t>& mask) {
  const auto end = std::find_if(mask.begin(), mask.end(), [](int32_t x) { return x != 1; });
  const auto rest = std::find_if(end, mask.end(), [](int32_t x) { return x != 0; });
  check(rest == mask.end(), "{}: input_mask[{}] is {}: expected ones, then zeros", reader.where(),
        rest - mask.begin(), rest == mask.end() ? 0 : *rest);
  check(end != mask.begin(), "{}: input_mask has no 1: the record is empty", reader.where());
  return static_cast<size_t>(end - mask.begin());
}

}  // namespace

std::vector<DatasetColumn> token_record_columns() { return {{"input_ids"}, {"input_mask"}, {"segment_ids"}}; }

size_t count_tokens(const DatasetReader& reader, const DatasetRow& row, int64_t longest, int32_t vocab_size) {
  const std::vector<int32_t>& ids = row[input_ids_column].ints;
  for (const auto& [column, name] :
       {std::pair{input_mask_column, "input_mask"}, {segment_ids_column, "segment_ids"}}) {
    check(row[column].ints.size() == ids.size(), "{}: {} has {} values, input_ids {}", reader.where(), name,
          row[column].ints.size(), ids.size());
  }
  const size_t count = ones_of_mask(reader, row[input_mask_column].ints);
  check(static_cast<int64_t>(count) <= longest,
        "{}: {} tokens, the model takes at most {} (max_position_embeddings)", reader.where(), count,
        longest);
  // Every token comes by here: the text of its place is made for an error alone.
  for (size_t i = 0; i < count; ++i) {
    if (ids[i] < 0 || ids[i] >= vocab_size)
      fail("{}: input_ids[{}] is {}: the vocabulary has {} pieces", reader.where(), i, ids[i], vocab_size);
  }
  return count;
}

void append_tokens(const std::vector<int32_t>& input_ids, const std::vector<int32_t>& segment_ids,
                   int32_t length, DatasetRow& row) {
  const auto size = static_cast<size_t>(length);
  const size_t used = input_ids.size();
  check(used <= size, "[records] {} tokens: expected at most {}", used, size);
  row.push_back({input_ids, {}});
  row.push_back({std::vector<int32_t>(used, 1), {}});
  row.push_back({segment_ids, {}});
  for (size_t column = row.size() - token_columns; column < row.size(); ++column)
    row[column].ints.resize(size, 0);
}

}  // namespace gradus
