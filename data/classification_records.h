// Texts with a class or a score as records of token ids: what generate_classifier_records writes and a
// classifier reads.
//   input_ids, input_mask, segment_ids: integers, S of each
//   label_ids: an integer, the class; a float where the data has scores; where it has any number of labels a 0 or a 1 for
//     each
//   is_real_example: an integer, 0 in a record that only fills up a batch
#pragma once

#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/problem_type.h"
#include "data/classification_features.h"
#include "data/dataset_stream.h"

namespace gradus {

struct ClassificationRecords {
  std::vector<ClassificationExample> examples;
  int64_t length = 0;  // of the longest record, filling included
  std::vector<std::string> warnings;
};

// What the model that records are read for can take.
struct ClassificationLimits {
  ProblemType problem = ProblemType::single_label;
  int32_t classes = 2;      // of the labels, unless they are scores
  int32_t vocab_size = 0;   // pieces
  int32_t token_types = 2;  // type_vocab_size
  int64_t longest = 512;    // max_position_embeddings
};

// The example of one record; nothing when its is_real_example is 0. Throws Error as read_classification_records() does.
std::optional<ClassificationExample> read_classification_record(const DatasetReader& reader,
                                                                const DatasetRow& row,
                                                                const ClassificationLimits& limits);

// Records that are read as they are trained on.
class ClassificationRecordStream {
 public:
  // Throws Error as DatasetStream does.
  ClassificationRecordStream(const std::string& path, const DatasetStreamOptions& options,
                             const ClassificationLimits& limits);

  // So many of the first, or all, of epoch 0. Throws Error as read_classification_records() does.
  ClassificationRecords read(int64_t most = std::numeric_limits<int64_t>::max());
  // The example of a record; nothing when its is_real_example is 0. Throws Error likewise.
  std::optional<ClassificationExample> example(const DatasetReader& reader, const DatasetRow& row) const;

  const std::shared_ptr<DatasetStream>& records() const { return records_; }

 private:
  std::string path_;
  ClassificationLimits limits_;
  std::shared_ptr<DatasetStream> records_;
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
// records of google-research/bert and mindspore-ai/models. Of several labels there are `classes`.
DatasetRow make_classification_record(const ClassificationExample& example, int32_t length,
                                      ProblemType problem, int32_t classes);

// The columns of a record, in the order of its values. `scores`: label_ids has floats.
std::vector<DatasetColumn> classification_record_columns(bool scores);

}  // namespace gradus
