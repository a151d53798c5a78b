#include "data/squad_records.h"

namespace gradus {

std::vector<DatasetColumn> squad_record_columns(SquadUse use) {
  std::vector<DatasetColumn> columns{{"unique_ids"}, {"input_ids"}, {"input_mask"}, {"segment_ids"}};
  if (use == SquadUse::training) {
    for (const char* name : {"start_positions", "end_positions", "is_impossible"}) columns.push_back({name});
  }
  return columns;
}

void make_squad_record(const SquadWindow& window, int32_t unique_id, bool is_impossible,
                       int32_t max_seq_length, SquadUse use, DatasetRow& row) {
  const auto length = static_cast<size_t>(max_seq_length), used = window.input_ids.size();
  row.resize(use == SquadUse::training ? 7 : 4);
  row[0].ints.assign(1, unique_id);
  row[1].ints = window.input_ids;
  row[2].ints.assign(used, 1);
  row[3].ints.assign(static_cast<size_t>(window.context_begin), 0);
  row[3].ints.resize(used, 1);
  for (size_t column = 1; column <= 3; ++column) row[column].ints.resize(length, 0);
  if (use == SquadUse::evaluation) return;
  row[4].ints.assign(1, window.start);
  row[5].ints.assign(1, window.end);
  row[6].ints.assign(1, is_impossible ? 1 : 0);
}

}  // namespace gradus
