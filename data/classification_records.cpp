#include "data/classification_records.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/error.h"
#include "data/dataset_stream.h"
#include "data/token_records.h"

namespace gradus {
namespace {

constexpr size_t label_column = token_columns, real_column = token_columns + 1;

class RecordReader {
 public:
  RecordReader(DatasetReader& reader, const ClassificationLimits& limits)
      : reader_(reader), limits_(limits) {}

  ClassificationRecords run(const std::string& path) {
    int64_t number = 0, left_out = 0;
    for (DatasetRow row; reader_.next(row); ++number) {
      if (is_real(row)) add_record(row);
      else ++left_out;
    }
    check(number > 0, "{}: no record", path);
    check(left_out < number, "{}: in all of {} records is_real_example is 0", path, number);
    result_.warnings = reader_.warnings();
    if (left_out > 0)
      result_.warnings.push_back(
          fmt::format("{}: {} records whose is_real_example is 0 are left out", path, left_out));
    return std::move(result_);
  }

 private:
  bool is_real(const DatasetRow& row) const {
    const std::vector<int32_t>& values = row[real_column].ints;
    if (values.empty()) return true;
    check(values.size() == 1, "{}: is_real_example has {} values: expected 1", reader_.where(),
          values.size());
    check(values[0] == 0 || values[0] == 1, "{}: is_real_example is {}: expected 0 or 1", reader_.where(),
          values[0]);
    return values[0] == 1;
  }

  void add_record(const DatasetRow& row) {
    const auto count =
        static_cast<std::ptrdiff_t>(count_tokens(reader_, row, limits_.longest, limits_.vocab_size));
    ClassificationExample& example = result_.examples.emplace_back();
    const std::vector<int32_t>&ids = row[input_ids_column].ints, &segments = row[segment_ids_column].ints;
    example.input_ids.assign(ids.begin(), ids.begin() + count);
    example.segment_ids.assign(segments.begin(), segments.begin() + count);
    check_segments(example.segment_ids);
    if (limits_.classes == 0) example.score = score_of(row);
    else example.label = label_of(row);
  }

  void check_segments(const std::vector<int32_t>& segments) const {
    const auto second = std::find_if(segments.begin(), segments.end(), [](int32_t x) { return x != 0; });
    const auto odd = std::find_if(second, segments.end(), [](int32_t x) { return x != 1; });
    check(odd == segments.end(), "{}: segment_ids[{}] is {}: expected zeros, then ones", reader_.where(),
          odd - segments.begin(), odd == segments.end() ? 0 : *odd);
    check(second == segments.end() || limits_.token_types > 1,
          "{}: segment_ids[{}] is 1: the model has one type of tokens (type_vocab_size)", reader_.where(),
          second - segments.begin());
  }

  int32_t label_of(const DatasetRow& row) const {
    const std::vector<int32_t>& labels = row[label_column].ints;
    check(labels.size() == 1, "{}: label_ids has {} values: expected 1", reader_.where(), labels.size());
    check(labels[0] >= 0 && labels[0] < limits_.classes,
          "{}: label_ids is {}: expected 0 to {}, there are {} classes", reader_.where(), labels[0],
          limits_.classes - 1, limits_.classes);
    return labels[0];
  }

  float score_of(const DatasetRow& row) const {
    const std::vector<float>& scores = row[label_column].floats;
    check(scores.size() == 1, "{}: label_ids has {} values: expected 1", reader_.where(), scores.size());
    check(std::isfinite(scores[0]), "{}: label_ids is {}: expected a finite score", reader_.where(),
          scores[0]);
    return scores[0];
  }

  DatasetReader& reader_;
  ClassificationLimits limits_;
  ClassificationRecords result_;
};

}  // namespace

ClassificationRecords read_classification_records(const std::string& path, DatasetFormat format,
                                                  const std::string& schema_path,
                                                  const ClassificationLimits& limits) {
  DatasetStream reader(path, classification_record_columns(limits.classes == 0), {format, schema_path});
  return RecordReader(reader, limits).run(path);
}

DatasetRow make_classification_record(const ClassificationExample& example, int32_t length, bool scores) {
  DatasetRow row;
  append_tokens(example.input_ids, example.segment_ids, length, row);
  DatasetValue& label = row.emplace_back();
  if (scores) label.floats = {example.score};
  else label.ints = {std::max(example.label, 0)};
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
