#include "data/squad_records.h"

#include "data/token_records.h"

namespace gradus {

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

}  // namespace gradus
