// Examples to pretrain on as records: what generate_pretraining_records and the programs it is like write, and run_pretrain
// reads.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "data/dataset_stream.h"

namespace gradus {

// An example, without filling.
struct PretrainingExample {
  std::vector<int32_t> input_ids;         // [CLS] a [SEP] b [SEP], words masked
  int32_t first_length = 0;               // tokens of segment 0: the first; the rest is of segment 1
  int32_t random_next = 0;                // 1: b is a random text; 0: it follows a
  std::vector<int32_t> masked_positions;  // ascending, in input_ids
  std::vector<int32_t> masked_ids;        // the tokens that stood there
};

// What the model that records are read for can take.
struct PretrainingLimits {
  int32_t vocab_size = 0;  // pieces
  int64_t longest = 512;   // max_position_embeddings
};

// What records that were looked at are like.
struct PretrainingRecordSizes {
  int64_t records = 0;
  int64_t length = 0;       // of the longest record, filling included
  int64_t predictions = 0;  // places for masked tokens of a record, filling included
};

// Records that are read as they are trained on.
class PretrainingRecordStream {
 public:
  // Throws Error as DatasetStream does.
  PretrainingRecordStream(const std::string& path, const DatasetStreamOptions& options,
                          const PretrainingLimits& limits);

  // Hands over so many of the first, or all, of epoch 0. Throws Error as example() does, and when there is none.
  PretrainingRecordSizes read(int64_t most, const std::function<void(PretrainingExample)>& take);
  // The example of a record (data/pretraining_instances.h). Filling, where the mask or a weight is 0, is dropped. Throws Error
  // "<reader.where()>: ..." when a column has another length than it must have, a mask is anything but ones and then
  // zeros, segments are anything but zeros and then ones, a label or a weight is neither 0 nor 1, a position is none of the
  // record's tokens or is named twice, and when a token is none of the vocabulary.
  PretrainingExample example(const DatasetReader& reader, const DatasetRow& row) const;

  const std::shared_ptr<DatasetStream>& records() const { return records_; }

 private:
  std::string path_;
  PretrainingLimits limits_;
  std::shared_ptr<DatasetStream> records_;
};

}  // namespace gradus
