// Questions about text as records of token ids: what generate_squad_records writes and run_squad reads.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "data/dataset_stream.h"
#include "data/squad_features.h"

namespace gradus {

// The number of the first window; they count on from there (google-research/bert).
constexpr int32_t first_unique_id = 1000000000;

// unique_ids [1], input_ids, input_mask, segment_ids [max_seq_length]; for training also start_positions,
// end_positions and is_impossible [1].
std::vector<DatasetColumn> squad_record_columns(SquadUse use);

// Fills `row` with the values of these columns. Throws Error when the window is longer than max_seq_length.
void make_squad_record(const SquadWindow& window, int32_t unique_id, bool is_impossible,
                       int32_t max_seq_length, SquadUse use, DatasetRow& row);

// What the model that records are read for can take.
struct SquadLimits {
  int32_t vocab_size = 0;  // pieces
  int64_t longest = 512;   // max_position_embeddings
};

struct SquadRecords {
  std::vector<SquadFeature> features;  // the number of its record is the "question" of each; no max_context
  bool has_impossible = false;         // some record says that its question has no answer
  int64_t length = 0;                  // of the longest record, filling included
  std::vector<std::string> warnings;
};

// The window of one record of evaluation data, without max_context. Throws Error as read_squad_records() does.
SquadWindow read_squad_window(const DatasetReader& reader, const DatasetRow& row, const SquadLimits& limits);

// Records that are read as they are trained on.
class SquadRecordStream {
 public:
  // Throws Error as DatasetStream does.
  SquadRecordStream(const std::string& path, const DatasetStreamOptions& options, const SquadLimits& limits,
                    SquadUse use);

  // So many of the first, or all, of epoch 0. Throws Error as read_squad_records() does.
  SquadRecords read(int64_t most = std::numeric_limits<int64_t>::max());
  // From here on a record whose question has no answer is an error, which gives this advice.
  void refuse_impossible(std::string advice) { advice_ = std::move(advice); }
  // The window of a record, without max_context. Throws Error likewise.
  SquadWindow window(const DatasetReader& reader, const DatasetRow& row) const;

  const std::shared_ptr<DatasetStream>& records() const { return records_; }

 private:
  std::string path_;
  SquadLimits limits_;
  SquadUse use_;
  std::string advice_;  // empty: such records are taken
  std::shared_ptr<DatasetStream> records_;
};

// Reads all records of a file, or of a folder of files (data/dataset_stream.h). The filling, where the mask is 0, is
// dropped. Throws Error "<place>: ..." (DatasetReader::where) when a record is not as above or beyond `limits`, its
// mask is anything but ones and then zeros, its segments anything but zeros and then ones, an answer does not begin
// and end in order in the text, and when there is no record.
SquadRecords read_squad_records(const std::string& path, DatasetFormat format, const std::string& schema_path,
                                const SquadLimits& limits, SquadUse use);

}  // namespace gradus
