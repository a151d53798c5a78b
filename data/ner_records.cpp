#include "data/ner_records.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "data/dataset_stream.h"
#include "data/token_records.h"

namespace gradus {
namespace {

constexpr size_t ids = input_ids_column, segments = segment_ids_column, label_ids = token_columns;

// Makes sentences and examples of the records of one file.
class RecordReader {
 public:
  // Records count from `first`.
  RecordReader(DatasetReader& reader, int64_t first, const LabelList& labels, const Vocab& vocab,
               int64_t longest)
      : reader_(reader), first_(first), labels_(labels), vocab_(vocab), longest_(longest) {}

  NerRecords run(const std::string& path) {
    result_.data.path = path;
    result_.data.records = true;
    for (DatasetRow row; reader_.next(row);) add_record(row);
    check(number_ > 0, "{}: no record", path);
    check(!result_.examples.examples.empty(), "{}: in none of {} records a label: all are {}", path, number_,
          unscored_label);
    result_.warnings = reader_.warnings();
    const auto left = number_ - static_cast<int64_t>(result_.examples.examples.size());
    if (left > 0)
      result_.warnings.push_back(fmt::format("{}: {} records without a label are left out", path, left));
    return std::move(result_);
  }

 private:
  void add_record(const DatasetRow& row) {
    check(row[label_ids].ints.size() == row[ids].ints.size(), "{}: label_ids has {} values, input_ids {}",
          reader_.where(), row[label_ids].ints.size(), row[ids].ints.size());
    const size_t length = count_tokens(reader_, row, longest_, vocab_.size());
    ++number_;
    if (number_ == 1) result_.protocol = protocol_of(row, length);
    NerSentence sentence;
    NerExample example;
    example.sentence = static_cast<int32_t>(result_.data.sentences.size());
    for (size_t i = 0; i < length; ++i) add_token(row, i, length, sentence, example);
    if (example.labels.empty()) return;
    example.scored_end = static_cast<int32_t>(sentence.words.size());
    NerCounts& counts = result_.examples.counts;
    ++counts.sentences;
    counts.words += static_cast<int64_t>(sentence.words.size());
    counts.pieces += static_cast<int64_t>(length);
    result_.data.sentences.push_back(std::move(sentence));
    result_.examples.examples.push_back(std::move(example));
  }

  void add_token(const DatasetRow& row, size_t i, size_t length, NerSentence& sentence, NerExample& example) {
    const int32_t id = row[ids].ints[i], segment = row[segments].ints[i], label = row[label_ids].ints[i];
    // Every token comes by here: the text of its place is made for an error alone.
    if (segment != 0)
      fail("{}: segment_ids[{}] is {}: expected 0, a record is one sentence", reader_.where(), i, segment);
    example.input_ids.push_back(id);
    if (label == unscored_label) {
      const bool is_end = i == 0 || (i + 1 == length && id == vocab_.sep_id());
      if (!is_end) append_piece(id, sentence);
      return;
    }
    if (label < 0 || label >= labels_.size())
      fail("{}: label_ids[{}] is {}, of '{}': the list has {} labels: {}", reader_.where(), i, label,
           vocab_.token(id), labels_.size(), fmt::join(labels_.tags(), ", "));
    const bool ends = (i == 0 && id == vocab_.cls_id()) || (i + 1 == length && id == vocab_.sep_id());
    const bool word = !ends && !is_protocol_label(labels_.tag(label));
    example.first_pieces.push_back(static_cast<int32_t>(i));
    example.words.push_back(word ? static_cast<int32_t>(sentence.words.size()) : -1);
    example.labels.push_back(label);
    if (!word && !ends) append_piece(id, sentence);
    if (!word) return;
    sentence.words.push_back(vocab_.token(id));
    sentence.tags.push_back(labels_.tag(label));
    sentence.lines.push_back(first_ + number_ - 1);
  }

  // Makes the first piece of a word the word.
  void append_piece(int32_t id, NerSentence& sentence) const {
    if (sentence.words.empty()) return;
    const std::string& piece = vocab_.token(id);
    sentence.words.back() += piece.starts_with("##") ? piece.substr(2) : piece;
  }

  // By the label of the first token, [CLS].
  LabelProtocol protocol_of(const DatasetRow& row, size_t length) const {
    const int32_t first = row[label_ids].ints.front();
    if (first == unscored_label) return LabelProtocol::first_piece;
    if (first != labels_.find("[CLS]")) return LabelProtocol::all_pieces;
    return row[ids].ints[length - 1] == vocab_.sep_id() ? LabelProtocol::x_pieces
                                                        : LabelProtocol::x_pieces_no_sep;
  }

  DatasetReader& reader_;
  int64_t first_;
  const LabelList& labels_;
  const Vocab& vocab_;
  int64_t longest_;
  int64_t number_ = 0;  // of records read
  NerRecords result_;
};

}  // namespace

NerRecords read_ner_records(const std::string& path, DatasetFormat format, const std::string& schema_path,
                            const LabelList& labels, const Vocab& vocab, int64_t longest) {
  DatasetStream reader(path, ner_record_columns(), {format, schema_path});
  const int64_t first = format == DatasetFormat::tfrecord ? 1 : 0;
  return RecordReader(reader, first, labels, vocab, longest).run(path);
}

std::vector<DatasetColumn> ner_record_columns() {
  std::vector<DatasetColumn> columns = token_record_columns();
  columns.push_back({"label_ids"});
  return columns;
}

DatasetRow make_ner_record(const NerExample& example, int32_t length) {
  const size_t used = example.input_ids.size();
  DatasetRow row;
  append_tokens(example.input_ids, std::vector<int32_t>(used, 0), length, row);
  const bool sees_all = example.first_pieces.size() == used;
  std::vector<int32_t>& labels = row.emplace_back().ints;
  labels.assign(static_cast<size_t>(length), sees_all ? 0 : unscored_label);
  for (size_t i = 0; i < example.first_pieces.size(); ++i)
    labels[static_cast<size_t>(example.first_pieces[i])] = example.labels[i];
  return row;
}

}  // namespace gradus
