#include "data/squad_records.h"

#include <algorithm>

#include "core/error.h"
#include "data/dataset_stream.h"
#include "data/token_records.h"

namespace gradus {
namespace {

constexpr size_t start_column = token_columns, end_column = token_columns + 1,
                 impossible_column = token_columns + 2;

int32_t single_value(const DatasetReader& reader, const DatasetRow& row, size_t column, const char* name) {
  const std::vector<int32_t>& values = row[column].ints;
  check(values.size() == 1, "{}: {} has {} values: expected 1", reader.where(), name, values.size());
  return values[0];
}

void read_answer(const DatasetReader& reader, const DatasetRow& row, SquadWindow& window) {
  window.start = single_value(reader, row, start_column, "start_positions");
  window.end = single_value(reader, row, end_column, "end_positions");
  const auto last = static_cast<int32_t>(window.input_ids.size()) - 2;  // before the [SEP]
  const bool none = window.start == 0 && window.end == 0;
  check(none || (window.start >= window.context_begin && window.start <= window.end && window.end <= last),
        "{}: start_positions {} and end_positions {}: expected 0 and 0, or places in the text, {} to {}",
        reader.where(), window.start, window.end, window.context_begin, last);
}

bool is_impossible(const DatasetReader& reader, const DatasetRow& row) {
  return !row[impossible_column].ints.empty() &&
         single_value(reader, row, impossible_column, "is_impossible") != 0;
}

std::vector<DatasetColumn> columns_to_read(SquadUse use) {
  std::vector<DatasetColumn> columns = token_record_columns();
  if (use == SquadUse::training) {
    for (const char* name : {"start_positions", "end_positions"}) columns.push_back({name});
    columns.push_back({"is_impossible", false, true});
  }
  // They name windows for programs that answer; here their order does.
  columns.push_back({"unique_ids", false, true});
  return columns;
}

}  // namespace

SquadWindow read_squad_window(const DatasetReader& reader, const DatasetRow& row, const SquadLimits& limits) {
  const auto count =
      static_cast<std::ptrdiff_t>(count_tokens(reader, row, limits.longest, limits.vocab_size));
  const std::vector<int32_t>&ids = row[input_ids_column].ints, &segments = row[segment_ids_column].ints;
  const auto second = std::find(segments.begin(), segments.begin() + count, 1);
  const auto wrong = [&] {
    const auto odd = std::find_if(segments.begin(), second, [](int32_t x) { return x != 0; });
    if (odd != second) return odd;
    return std::find_if(second, segments.begin() + count, [](int32_t x) { return x != 1; });
  }();
  check(wrong == segments.begin() + count, "{}: segment_ids[{}] is {}: expected zeros, then ones",
        reader.where(), wrong - segments.begin(), wrong == segments.begin() + count ? 0 : *wrong);
  check(second != segments.begin() + count, "{}: segment_ids has no 1: there is no text to find an answer in",
        reader.where());
  SquadWindow window;
  window.input_ids.assign(ids.begin(), ids.begin() + count);
  window.context_begin = static_cast<int32_t>(second - segments.begin());
  return window;
}

std::vector<DatasetColumn> squad_record_columns(SquadUse use) {
  std::vector<DatasetColumn> columns = token_record_columns();
  columns.insert(columns.begin(), {"unique_ids"});
  if (use == SquadUse::training) {
    for (const char* name : {"start_positions", "end_positions", "is_impossible"}) columns.push_back({name});
  }
  return columns;
}

void make_squad_record(const SquadWindow& window, int32_t unique_id, bool is_impossible,
                       int32_t max_seq_length, SquadUse use, DatasetRow& row) {
  std::vector<int32_t> segments(static_cast<size_t>(window.context_begin), 0);
  segments.resize(window.input_ids.size(), 1);
  row.clear();
  row.push_back({{unique_id}, {}});
  append_tokens(window.input_ids, segments, max_seq_length, row);
  if (use == SquadUse::evaluation) return;
  for (const int32_t value : {window.start, window.end, is_impossible ? 1 : 0}) row.push_back({{value}, {}});
}

SquadRecordStream::SquadRecordStream(const std::string& path, const DatasetStreamOptions& options,
                                     const SquadLimits& limits, SquadUse use)
    : path_(path),
      limits_(limits),
      use_(use),
      records_(std::make_shared<DatasetStream>(path, columns_to_read(use), options)) {}

SquadRecords SquadRecordStream::read(int64_t most) {
  SquadRecords result;
  for (DatasetRow row; std::ssize(result.features) < most && records_->next(row);) {
    SquadFeature& made = result.features.emplace_back();
    made.window = window(*records_, row);
    made.question = result.features.size() - 1;
    if (use_ == SquadUse::training) result.has_impossible |= is_impossible(*records_, row);
    result.length = std::max(result.length, std::ssize(row[input_ids_column].ints));
  }
  check(!result.features.empty(), "{}: no record", path_);
  result.warnings = records_->warnings();
  return result;
}

SquadWindow SquadRecordStream::window(const DatasetReader& reader, const DatasetRow& row) const {
  SquadWindow window = read_squad_window(reader, row, limits_);
  if (use_ == SquadUse::evaluation) return window;
  read_answer(reader, row, window);
  if (!is_impossible(reader, row)) return window;
  check(window.start == 0, "{}: is_impossible, but start_positions is {}", reader.where(), window.start);
  check(advice_.empty(), "{}: its question has no answer: {}", reader.where(), advice_);
  return window;
}

SquadRecords read_squad_records(const std::string& path, DatasetFormat format, const std::string& schema_path,
                                const SquadLimits& limits, SquadUse use) {
  return SquadRecordStream(path, {format, schema_path}, limits, use).read();
}

}  // namespace gradus
