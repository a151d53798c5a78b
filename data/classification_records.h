// Texts with a class or a score as records of token ids: what generate_classifier_records writes and a
// classifier reads.
//   input_ids, input_mask, segment_ids: integers, S of each
//   label_ids: an integer, the class; a float where the data has scores
//   is_real_example: an integer, 0 in a record that only fills up a batch
#pragma once

#include <string>
#include <vector>

#include "data/classification_features.h"
#include "data/dataset.h"

namespace gradus {

struct ClassificationRecords {
  std::vector<ClassificationExample> examples;
  std::vector<std::string> warnings;
};

// What the model that records are read for can take.
struct ClassificationLimits {
  int32_t classes = 2;      // of the labels; 0: they are scores
  int32_t vocab_size = 0;   // pieces
  int32_t token_types = 2;  // type_vocab_size
  int64_t longest = 512;    // max_position_embeddings
};

// Reads all records of a file, or of a folder of files (data/dataset_stream.h). The filling, where the mask is 0, is
// dropped. Records may lack is_real_example; those that have 0 there are left out, with a warning. Throws Error
// "<place>: ..." (DatasetReader::where) when a record is not as above or beyond `limits`, its mask is anything but
// ones and then zeros, its segments anything but zeros and then ones, its score is not finite, and when there is no
// record.
ClassificationRecords read_classification_records(const std::string& path, DatasetFormat format,
                                                  const std::string& schema_path,
                                                  const ClassificationLimits& limits);

// The record of an example, filled up to `length` with zeros. An example without a class gets 0, as in the
// records of google-research/bert and mindspore-ai/models.
DatasetRow make_classification_record(const ClassificationExample& example, int32_t length, bool scores);

// The columns of a record, in the order of its values. `scores`: label_ids has floats.
std::vector<DatasetColumn> classification_record_columns(bool scores);

}  // namespace gradus
