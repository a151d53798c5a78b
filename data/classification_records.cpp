#include "data/classification_records.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/counted.h"
#include "core/error.h"
#include "data/dataset_stream.h"
#include "data/token_records.h"

namespace gradus {
namespace {

constexpr size_t label_column = token_columns, real_column = token_columns + 1;

// Makes the example of one record.
class Record {
 public:
  Record(const DatasetReader& reader, const DatasetRow& row, const ClassificationLimits& limits)
      : reader_(reader), row_(row), limits_(limits) {}

  bool is_real() const {
    const std::vector<int32_t>& values = row_[real_column].ints;
    if (values.empty()) return true;
    check(values.size() == 1, "{}: is_real_example has {} values: expected 1", reader_.where(),
          values.size());
    check(values[0] == 0 || values[0] == 1, "{}: is_real_example is {}: expected 0 or 1", reader_.where(),
          values[0]);
    return values[0] == 1;
  }

  ClassificationExample example() const {
    const auto count =
        static_cast<std::ptrdiff_t>(count_tokens(reader_, row_, limits_.longest, limits_.vocab_size));
    const std::vector<int32_t>&ids = row_[input_ids_column].ints, &segments = row_[segment_ids_column].ints;
    ClassificationExample example;
    example.input_ids.assign(ids.begin(), ids.begin() + count);
    example.segment_ids.assign(segments.begin(), segments.begin() + count);
    check_segments(example.segment_ids);
    switch (limits_.problem) {
      case ProblemType::single_label:
        example.label = label();
        break;
      case ProblemType::multi_label:
        example.labels = labels();
        break;
      case ProblemType::regression:
        example.score = score();
        break;
    }
    return example;
  }

 private:
  void check_segments(const std::vector<int32_t>& segments) const {
    const auto second = std::find_if(segments.begin(), segments.end(), [](int32_t x) { return x != 0; });
    const auto odd = std::find_if(second, segments.end(), [](int32_t x) { return x != 1; });
    check(odd == segments.end(), "{}: segment_ids[{}] is {}: expected zeros, then ones", reader_.where(),
          odd - segments.begin(), odd == segments.end() ? 0 : *odd);
    check(second == segments.end() || limits_.token_types > 1,
          "{}: segment_ids[{}] is 1: the model has one type of tokens (type_vocab_size)", reader_.where(),
          second - segments.begin());
  }

  int32_t label() const {
    const std::vector<int32_t>& labels = row_[label_column].ints;
    check(labels.size() == 1, "{}: label_ids has {} values: expected 1", reader_.where(), labels.size());
    check(labels[0] >= 0 && labels[0] < limits_.classes,
          "{}: label_ids is {}: expected 0 to {}, there are {} classes", reader_.where(), labels[0],
          limits_.classes - 1, limits_.classes);
    return labels[0];
  }

  std::vector<int32_t> labels() const {
    const std::vector<int32_t>& holds = row_[label_column].ints;
    check(std::ssize(holds) == limits_.classes,
          "{}: label_ids has {} values: expected {}, one for each label", reader_.where(), holds.size(),
          limits_.classes);
    std::vector<int32_t> labels;
    for (int32_t id = 0; id < limits_.classes; ++id) {
      const int32_t value = holds[static_cast<size_t>(id)];
      check(value == 0 || value == 1, "{}: label_ids[{}] is {}: expected 0 or 1", reader_.where(), id, value);
      if (value == 1) labels.push_back(id);
    }
    return labels;
  }

  float score() const {
    const std::vector<float>& scores = row_[label_column].floats;
    check(scores.size() == 1, "{}: label_ids has {} values: expected 1", reader_.where(), scores.size());
    check(std::isfinite(scores[0]), "{}: label_ids is {}: expected a finite score", reader_.where(),
          scores[0]);
    return scores[0];
  }

  const DatasetReader& reader_;
  const DatasetRow& row_;
  const ClassificationLimits& limits_;
};

}  // namespace

ClassificationRecordStream::ClassificationRecordStream(const std::string& path,
                                                       const DatasetStreamOptions& options,
                                                       const ClassificationLimits& limits)
    : path_(path),
      limits_(limits),
      records_(std::make_shared<DatasetStream>(
          path, classification_record_columns(limits.problem == ProblemType::regression), options)) {}

ClassificationRecords ClassificationRecordStream::read(int64_t most) {
  ClassificationRecords result;
  int64_t number = 0, left_out = 0;
  for (DatasetRow row; number < most && records_->next(row); ++number) {
    result.length = std::max(result.length, std::ssize(row[input_ids_column].ints));
    if (std::optional<ClassificationExample> made = example(*records_, row))
      result.examples.push_back(std::move(*made));
    else ++left_out;
  }
  check(left_out < number, "{}: in all of {}{} records is_real_example is 0", path_,
        number < records_->size() ? "the first " : "", number);
  result.warnings = records_->warnings();
  if (left_out > 0)
    result.warnings.push_back(fmt::format(
        "{}: {} left out", path_,
        counted(left_out, "record whose is_real_example is 0 is", "records whose is_real_example is 0 are")));
  return result;
}

std::optional<ClassificationExample> ClassificationRecordStream::example(const DatasetReader& reader,
                                                                         const DatasetRow& row) const {
  return read_classification_record(reader, row, limits_);
}

std::optional<ClassificationExample> read_classification_record(const DatasetReader& reader,
                                                                const DatasetRow& row,
                                                                const ClassificationLimits& limits) {
  const Record record(reader, row, limits);
  if (!record.is_real()) return std::nullopt;
  return record.example();
}

ClassificationRecords read_classification_records(const std::string& path, DatasetFormat format,
                                                  const std::string& schema_path,
                                                  const ClassificationLimits& limits) {
  return ClassificationRecordStream(path, {format, schema_path}, limits).read();
}

DatasetRow make_classification_record(const ClassificationExample& example, int32_t length,
                                      ProblemType problem, int32_t classes) {
  DatasetRow row;
  append_tokens(example.input_ids, example.segment_ids, length, row);
  DatasetValue& label = row.emplace_back();
  switch (problem) {
    case ProblemType::single_label:
      label.ints = {std::max(example.label, 0)};
      break;
    case ProblemType::multi_label:
      label.ints.resize(static_cast<size_t>(classes), 0);
      for (const int32_t id : example.labels) label.ints[static_cast<size_t>(id)] = 1;
      break;
    case ProblemType::regression:
      label.floats = {example.score};
      break;
  }
  row.push_back({{1}, {}});
  return row;
}

std::vector<DatasetColumn> classification_record_columns(bool scores) {
  std::vector<DatasetColumn> columns = token_record_columns();
  columns.push_back({"label_ids", scores});
  columns.push_back({"is_real_example", false, true});
  return columns;
}

}  // namespace gradus
