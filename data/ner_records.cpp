#include "data/ner_records.h"

#include <algorithm>

#include "core/counted.h"
#include "core/error.h"
#include "core/joined.h"
#include "data/dataset_stream.h"
#include "data/token_records.h"

namespace gradus {
namespace {

constexpr size_t ids = input_ids_column, segments = segment_ids_column, label_ids = token_columns;

// Makes the sentence and the example of one record.
class Record {
 public:
  Record(const DatasetReader& reader, const DatasetRow& row, const NerRecordRules& rules)
      : reader_(reader), row_(row), labels_(rules.labels), vocab_(*rules.vocab) {
    check(row[label_ids].ints.size() == row[ids].ints.size(), "{}: label_ids has {} values, input_ids {}",
          reader.where(), row[label_ids].ints.size(), row[ids].ints.size());
    length_ = count_tokens(reader, row, rules.longest, vocab_.size());
    for (size_t i = 0; i < length_; ++i) add_token(i);
    example.scored_end = static_cast<int32_t>(sentence.words.size());
  }

  // By the label of the first token, [CLS].
  LabelProtocol protocol() const {
    const int32_t first = row_[label_ids].ints.front();
    if (first == unscored_label) return LabelProtocol::first_piece;
    if (first != labels_.find("[CLS]")) return LabelProtocol::all_pieces;
    return row_[ids].ints[length_ - 1] == vocab_.sep_id() ? LabelProtocol::x_pieces
                                                          : LabelProtocol::x_pieces_no_sep;
  }

  NerSentence sentence;
  NerExample example;

 private:
  void add_token(size_t i) {
    const int32_t id = row_[ids].ints[i], segment = row_[segments].ints[i], label = row_[label_ids].ints[i];
    // Every token comes by here: the text of its place is made for an error alone.
    if (segment != 0)
      fail("{}: segment_ids[{}] is {}: expected 0, a record is one sentence", reader_.where(), i, segment);
    example.input_ids.push_back(id);
    if (label == unscored_label) {
      const bool is_end = i == 0 || (i + 1 == length_ && id == vocab_.sep_id());
      if (!is_end) append_piece(id);
      return;
    }
    if (label < 0 || label >= labels_.size())
      fail("{}: label_ids[{}] is {}, of '{}': the list has {} labels: {}", reader_.where(), i, label,
           vocab_.token(id), labels_.size(), joined(labels_.tags(), ", "));
    const bool ends = (i == 0 && id == vocab_.cls_id()) || (i + 1 == length_ && id == vocab_.sep_id());
    const bool word = !ends && !is_protocol_label(labels_.tag(label));
    example.first_pieces.push_back(static_cast<int32_t>(i));
    example.words.push_back(word ? static_cast<int32_t>(sentence.words.size()) : -1);
    example.labels.push_back(label);
    if (!word && !ends) append_piece(id);
    if (!word) return;
    sentence.words.push_back(vocab_.token(id));
    sentence.tags.push_back(labels_.tag(label));
  }

  // Makes the first piece of a word the word.
  void append_piece(int32_t id) {
    if (sentence.words.empty()) return;
    const std::string& piece = vocab_.token(id);
    sentence.words.back() += piece.starts_with("##") ? piece.substr(2) : piece;
  }

  const DatasetReader& reader_;
  const DatasetRow& row_;
  const LabelList& labels_;
  const Vocab& vocab_;
  size_t length_ = 0;
};

}  // namespace

NerRecord read_ner_record(const DatasetReader& reader, const DatasetRow& row, const NerRecordRules& rules) {
  Record record(reader, row, rules);
  const LabelProtocol protocol = record.protocol();
  return {std::move(record.sentence), std::move(record.example), protocol};
}

void keep_words_alone(NerExample& example) {
  size_t kept = 0;
  for (size_t i = 0; i < example.words.size(); ++i) {
    if (example.words[i] < 0) continue;
    example.words[kept] = example.words[i];
    example.first_pieces[kept] = example.first_pieces[i];
    example.labels[kept++] = example.labels[i];
  }
  for (std::vector<int32_t>* list : {&example.words, &example.first_pieces, &example.labels})
    list->resize(kept);
}

NerRecordStream::NerRecordStream(const std::string& path, const DatasetStreamOptions& options,
                                 const NerRecordRules& rules)
    : path_(path),
      rules_(rules),
      first_(record_format(options.format).first),
      records_(std::make_shared<DatasetStream>(path, ner_record_columns(), options)) {}

NerRecords NerRecordStream::read(int64_t most) {
  NerRecords result;
  result.data.path = path_;
  result.data.records = true;
  int64_t number = 0, left_out = 0;
  for (DatasetRow row; number < most && records_->next(row); ++number) {
    Record record(*records_, row, rules_);
    result.length = std::max(result.length, std::ssize(row[ids].ints));
    if (number == 0) result.protocol = record.protocol();
    if (record.example.labels.empty()) {
      ++left_out;
      continue;
    }
    record.example.sentence = static_cast<int32_t>(result.data.sentences.size());
    record.sentence.lines.assign(record.sentence.words.size(), first_ + records_->number());
    NerCounts& counts = result.examples.counts;
    ++counts.sentences;
    counts.words += static_cast<int64_t>(record.sentence.words.size());
    counts.pieces += static_cast<int64_t>(record.example.input_ids.size());
    result.data.sentences.push_back(std::move(record.sentence));
    result.examples.examples.push_back(std::move(record.example));
  }
  check(left_out < number, "{}: in none of {}{} records a label: all are {}", path_,
        number < records_->size() ? "the first " : "", number, unscored_label);
  result.warnings = records_->warnings();
  if (left_out > 0)
    result.warnings.push_back(
        fmt::format("{}: {} left out", path_,
                    counted(left_out, "record without a label is", "records without a label are")));
  return result;
}

std::optional<NerExample> NerRecordStream::example(const DatasetReader& reader, const DatasetRow& row) const {
  Record record(reader, row, rules_);
  if (words_alone_) gradus::keep_words_alone(record.example);
  if (record.example.labels.empty()) return std::nullopt;
  return std::move(record.example);
}

void NerRecords::keep_words_alone() {
  for (NerExample& example : examples.examples) gradus::keep_words_alone(example);
  std::erase_if(examples.examples, [](const NerExample& example) { return example.labels.empty(); });
}

NerRecords read_ner_records(const std::string& path, DatasetFormat format, const std::string& schema_path,
                            const LabelList& labels, const Vocab& vocab, int64_t longest) {
  return NerRecordStream(path, {format, schema_path}, {labels, &vocab, longest}).read();
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
