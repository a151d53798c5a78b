// Questions about text as records of token ids: what generate_squad_records writes.
#pragma once

#include <cstdint>
#include <vector>

#include "data/dataset.h"
#include "data/squad_features.h"

namespace gradus {

// The number of the first window; they count on from there (google-research/bert).
constexpr int32_t first_unique_id = 1000000000;

// unique_ids [1], input_ids, input_mask, segment_ids [max_seq_length]; for training also start_positions, end_positions and
// is_impossible [1].
std::vector<DatasetColumn> squad_record_columns(SquadUse use);

// Fills `row` with the values of these columns. Throws Error when the window is longer than max_seq_length.
void make_squad_record(const SquadWindow& window, int32_t unique_id, bool is_impossible,
                       int32_t max_seq_length, SquadUse use, DatasetRow& row);

}  // namespace gradus
