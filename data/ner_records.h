// Named-entity data as records of token ids: what the generators write and run_ner reads.
//   input_ids, input_mask, segment_ids, label_ids: integers, S of each
#pragma once

#include <string>
#include <vector>

#include "data/dataset.h"
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
  std::vector<std::string> warnings;
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
