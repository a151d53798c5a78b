// What all records of token ids share: the columns input_ids, input_mask and segment_ids, S integers of each.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace gradus {

// The places of these columns in a record; what belongs to a task comes behind them.
enum TokenColumn : uint8_t { input_ids_column, input_mask_column, segment_ids_column, token_columns };

// The descriptions of the three columns.
std::vector<DatasetColumn> token_record_columns();

// The number of tokens of a record, as many as its mask has ones. Throws Error "<reader.where()>: ..." when
// input_mask or segment_ids has another length than input_ids, the mask is anything but ones and then zeros,
// the record has more than `longest` tokens, and when one of them is none of `vocab_size` pieces.
size_t count_tokens(const DatasetReader& reader, const DatasetRow& row, int64_t longest, int32_t vocab_size);

// Appends the three columns of T tokens to a row, filled up to S = `length` with zeros. Throws Error when T >
// S.
void append_tokens(const std::vector<int32_t>& input_ids, const std::vector<int32_t>& segment_ids,
                   int32_t length, DatasetRow& row);

}  // namespace gradus
