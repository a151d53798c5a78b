// TFRecord files of tf.train.Example as a data set.
#include <algorithm>
#include <limits>
#include <map>
#include <optional>

#include "core/error.h"
#include "core/io/checked_json.h"
#include "core/joined.h"
#include "data/dataset_columns.h"
#include "data/dataset_formats.h"
#include "data/tf_example.h"
#include "data/tf_record.h"

namespace gradus {
namespace {

// What a schema.json says.
struct Schema {
  struct Column {
    std::string type;  // "int64", "float32", ...
    int64_t size = -1;
  };

  std::string path;
  int64_t rows = std::numeric_limits<int64_t>::max();
  std::map<std::string, Column> columns;
};

Schema read_schema(const std::string& path) {
  const Json json = sorted(read_json(path));
  const JsonField root(json, path);
  const JsonField kind = root.at("datasetType");
  kind.check(kind.text() == "TF", "\"TF\"");
  Schema schema;
  schema.path = path;
  if (const auto rows = root.find("numRows")) schema.rows = rows->integer(1);
  for (const auto& [name, column] : root.at("columns").members()) {
    Schema::Column& made = schema.columns[name];
    made.type = column.at("type").text();
    const auto shape = column.find("shape");
    if (!shape) continue;
    made.size = 1;
    for (const JsonField& extent : shape->items()) {
      const int64_t n = extent.integer();
      if (n == -1) {  // as many as there are
        made.size = -1;
        break;
      }
      extent.check(n > 0 && n < int64_t{1} << 31 && made.size < int64_t{1} << 31, "1 or more, or -1");
      made.size *= n;
    }
  }
  return schema;
}

void check_schema(const Schema& schema, const std::vector<DatasetColumn>& columns) {
  for (const DatasetColumn& column : columns) {
    const auto found = schema.columns.find(column.name);
    if (found == schema.columns.end()) {
      check(column.optional, "{}: no column \"{}\"", schema.path, column.name);
      continue;
    }
    const std::string wanted = column.floats ? "float" : "int";
    check(found->second.type.starts_with(wanted), "{}: column {} has the type {}, expected {}", schema.path,
          column.name, found->second.type, column.floats ? "float32" : "int64");
  }
}

bool is_compressed(const std::string& path) { return compression_of(path) != Compression::none; }

class TfDataset final : public DatasetReader {
 public:
  TfDataset(const std::string& path, std::vector<DatasetColumn> columns, std::optional<Schema> schema)
      : path_(path), reader_(path), columns_(std::move(columns)), schema_(std::move(schema)) {
    if (schema_) check_schema(*schema_, columns_);
  }

  int64_t size() override {
    if (!places_) {
      const int64_t last = reader_.record_number();
      places_ = reader_.find_records();
      look_for_others();
      seek(last);
    }
    const auto count = static_cast<int64_t>(places_->size());
    return schema_ ? std::min(schema_->rows, count) : count;
  }

  void seek(int64_t number) override {
    check(number >= 0 && number <= size(), "{}: record {} of {}", path_, number, size());
    at_end_ = number == size();
    if (!at_end_) reader_.seek((*places_)[static_cast<size_t>(number)], number + 1);
  }

  bool seeks_fast() const override { return !is_compressed(path_); }
  void close() override { reader_.close(); }

  bool next(DatasetRow& row) override {
    std::string_view record;
    if (at_end_ || (schema_ && reader_.record_number() == schema_->rows)) return false;
    if (!reader_.next(record)) return false;
    example_.parse(record, reader_.where());
    row.resize(columns_.size());
    for (size_t c = 0; c < columns_.size(); ++c) read_column(columns_[c], row[c]);
    return true;
  }

  std::string where() const override { return reader_.where(); }
  std::vector<std::string> warnings() const override { return warnings_; }

 private:
  void read_column(const DatasetColumn& column, DatasetValue& value) {
    value.ints.clear();
    value.floats.clear();
    const TfFeature* feature = example_.find(column.name);
    if (feature != nullptr && feature->kind == TfFeature::Kind::none) {
      check(column.optional, "{}: \"{}\" has no list of values", where(), column.name);
      return;
    }
    if (feature == nullptr) {
      check(column.optional, "{}: no \"{}\": the record has {}", where(), column.name, names());
      return;
    }
    const TfFeature::Kind wanted = column.floats ? TfFeature::Kind::floats : TfFeature::Kind::ints;
    if (feature->kind != wanted)
      fail("{}: \"{}\" holds {}, expected {}", where(), column.name, name_of(feature->kind), name_of(wanted));
    if (column.floats) value.floats = feature->floats;
    else copy_ints(feature->ints, value.ints, column.name, [this] { return where(); });
    if (!schema_) return;
    const auto described = schema_->columns.find(column.name);
    if (described == schema_->columns.end() || described->second.size < 0) return;
    const auto size = static_cast<int64_t>(std::max(value.ints.size(), value.floats.size()));
    if (size != described->second.size)
      fail("{}: \"{}\" has {} values, {} says {}", where(), column.name, size, schema_->path,
           described->second.size);
  }

  // What the first record has beside the columns.
  void look_for_others() {
    std::string_view record;
    if (places_->empty()) return;
    reader_.seek(places_->front(), 1);
    if (!reader_.next(record)) return;
    example_.parse(record, reader_.where());
    std::vector<std::string_view> names;
    for (const auto& [name, feature] : example_.features()) names.push_back(name);
    warnings_ = unread_columns(path_, names, columns_);
    if (example_.unknown_fields() > 0)
      warnings_.push_back(
          fmt::format("{}: {} fields of the first record are not of tf.train.Example: they are not read",
                      path_, example_.unknown_fields()));
  }

  std::string names() const {
    std::vector<std::string_view> names;
    for (const auto& [name, feature] : example_.features()) names.push_back(name);
    return names.empty() ? "nothing" : joined(names, ", ").str();
  }

  std::string path_;
  TfRecordReader reader_;
  std::optional<std::vector<uint64_t>> places_;  // of the records, once they were asked for
  bool at_end_ = false;
  std::vector<DatasetColumn> columns_;
  std::vector<std::string> warnings_;
  std::optional<Schema> schema_;
  TfExample example_;
};

class TfDatasetWriter final : public DatasetWriter {
 public:
  TfDatasetWriter(const std::string& path, std::vector<DatasetColumn> columns)
      : writer_(path), columns_(std::move(columns)) {}

  void write(const DatasetRow& row) override {
    TfExampleWriter example;
    for (size_t c = 0; c < columns_.size(); ++c) {
      if (columns_[c].floats) example.floats(columns_[c].name, row[c].floats);
      else example.ints(columns_[c].name, std::span<const int32_t>(row[c].ints));
    }
    writer_.write(example.serialize());
  }

  std::vector<AtomicFile*> complete() override { return {&writer_.complete()}; }

 private:
  TfRecordWriter writer_;
  std::vector<DatasetColumn> columns_;
};

std::unique_ptr<DatasetReader> open(const std::string& path, std::vector<DatasetColumn> columns,
                                    const std::string& schema_path, DatasetShards) {
  std::optional<Schema> schema;
  if (!schema_path.empty()) schema = read_schema(schema_path);
  return std::make_unique<TfDataset>(path, std::move(columns), std::move(schema));
}

std::unique_ptr<DatasetWriter> create(const std::string& path, std::vector<DatasetColumn> columns) {
  return std::make_unique<TfDatasetWriter>(path, std::move(columns));
}

}  // namespace

int64_t schema_rows(const std::string& schema_path) { return read_schema(schema_path).rows; }

RecordFormat tf_record_format() {
  return {.format = DatasetFormat::tfrecord,
          .name = "tfrecord",
          .ending = ".tf_record",
          .index = "",
          .marks = {"tfrecord", "tf_record"},
          .record = "record",
          .first = 1,
          .has_schema = true,
          .shards = nullptr,
          .is_sequential = is_compressed,
          .open = open,
          .create = create};
}

}  // namespace gradus
