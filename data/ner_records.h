// Named-entity data as records of token ids: what the generators write and run_ner reads.
//   input_ids, input_mask, segment_ids, label_ids: integers, S of each
#pragma once

#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/dataset_stream.h"
#include "data/labels.h"
#include "data/ner_features.h"
#include "data/vocab.h"

namespace gradus {

// The label of a position that the head does not see.
constexpr int32_t unscored_label = -100;

struct NerRecords {
  // The records as sentences: a word is a piece that counts as one and the further pieces that don't, its tag is that of
  // the record.
  NerData data;
  NerExamples examples;
  LabelProtocol protocol = LabelProtocol::first_piece;  // that they were made with, told from the first one
  int64_t length = 0;                                   // of the longest record, filling included
  std::vector<std::string> warnings;

  // For a tagger that looks at words alone: takes the labels of other pieces out of the examples, and examples that have no
  // other.
  void keep_words_alone();
};

// What records are read by.
struct NerRecordRules {
  LabelList labels;
  const Vocab* vocab;
  int64_t longest = 512;  // tokens
};

// One record by itself, as read_ner_records() reads all of them. A sentence without words has no lines.
struct NerRecord {
  NerSentence sentence;
  NerExample example;  // without labels where the head would see none
  LabelProtocol protocol = LabelProtocol::first_piece;
};
// Throws Error likewise.
NerRecord read_ner_record(const DatasetReader& reader, const DatasetRow& row, const NerRecordRules& rules);
// Takes the labels of other pieces than the first of words out of an example.
void keep_words_alone(NerExample& example);

// Records that are read as they are trained on.
class NerRecordStream {
 public:
  // Keeps the pointer. Throws Error as DatasetStream does.
  NerRecordStream(const std::string& path, const DatasetStreamOptions& options, const NerRecordRules& rules);

  // So many of the first, or all, of epoch 0. Throws Error as read_ner_records() does.
  NerRecords read(int64_t most = std::numeric_limits<int64_t>::max());
  // From here on labels of other pieces than the first of words are left out.
  void keep_words_alone() { words_alone_ = true; }
  // The example of a record; nothing when it has no label that the head would see. Throws Error likewise.
  std::optional<NerExample> example(const DatasetReader& reader, const DatasetRow& row) const;

  const std::string& path() const { return path_; }
  const std::shared_ptr<DatasetStream>& records() const { return records_; }

 private:
  std::string path_;
  NerRecordRules rules_;
  int64_t first_;  // that records count from
  bool words_alone_ = false;
  std::shared_ptr<DatasetStream> records_;
};

// Reads all records of a file, or of a folder of files (data/dataset_stream.h). The filling, where the mask is 0, is
// dropped. Throws Error "<place>: ..." (DatasetReader::where) when the columns of a record differ in length, its mask
// is anything but ones and then zeros, it has more than `longest` tokens, an id is none of the vocabulary's, a label
// none of the list's, and when there is no record. Records without a label that the head would see are left out, with
// a warning.
NerRecords read_ner_records(const std::string& path, DatasetFormat format, const std::string& schema_path,
                            const LabelList& labels, const Vocab& vocab, int64_t longest);

// The record of an example, filled up to `length` with zeros. Positions that the head does not see have the label
// unscored_label; when there are such, so has the filling.
DatasetRow make_ner_record(const NerExample& example, int32_t length);

// input_ids, input_mask, segment_ids and label_ids: the columns of a record, in the order of its values.
std::vector<DatasetColumn> ner_record_columns();

}  // namespace gradus
