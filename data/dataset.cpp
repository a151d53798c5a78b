#include "data/dataset.h"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>

#include "core/error.h"
#include "core/io/checked_json.h"
#include "core/io/files.h"
#include "core/joined.h"
#include "data/mind_record.h"
#include "data/mind_record_writer.h"
#include "data/tf_example.h"
#include "data/tf_record.h"
#include "data/unicode.h"

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

// `where` is asked for an error alone: the text of a place takes longer to make than a record to read.
template <typename Place>
void copy_ints(const std::vector<int64_t>& from, std::vector<int32_t>& to, const std::string& name,
               const Place& where) {
  to.resize(from.size());
  uint64_t shifted = 0;  // the bits of all numbers plus 2^31: below 2^32 when they have 32 bits
  for (size_t i = 0; i < from.size(); ++i) {
    to[i] = static_cast<int32_t>(from[i]);
    shifted |= static_cast<uint64_t>(from[i]) + (uint64_t{1} << 31);
  }
  for (size_t i = 0; shifted >> 32 != 0; ++i) {
    if (to[i] != from[i]) fail("{}: {}[{}] is {}: expected a number of 32 bits", where(), name, i, from[i]);
  }
}

// One warning that names the columns that nobody asked for, or none.
std::vector<std::string> unread_columns(const std::string& path, const std::vector<std::string_view>& names,
                                        const std::vector<DatasetColumn>& wanted) {
  std::vector<std::string_view> others;
  for (const std::string_view name : names) {
    if (std::none_of(wanted.begin(), wanted.end(),
                     [&](const DatasetColumn& column) { return column.name == name; }))
      others.push_back(name);
  }
  if (others.empty()) return {};
  return {fmt::format("{}: columns that are not read: {}", path, shown_list(others))};
}

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

  bool seeks_fast() const override { return compression_of(path_) == Compression::none; }
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

class MindDataset final : public DatasetReader {
 public:
  MindDataset(const std::string& path, std::vector<DatasetColumn> columns, bool has_schema,
              MindRecordShards shards)
      : path_(path), shards_(shards), columns_(std::move(columns)) {
    open();
    rows_ = reader_->rows();
    for (const DatasetColumn& column : columns_) places_.push_back(place_of(column));
    warnings_ = reader_->warnings();
    std::vector<std::string_view> names;
    for (const MindRecordColumn& column : reader_->columns()) names.push_back(column.name);
    for (std::string& warning : unread_columns(path_, names, columns_))
      warnings_.push_back(std::move(warning));
    if (has_schema)
      warnings_.push_back(
          fmt::format("{}: a MindRecord file has its own schema: schema_file_path is not read", path_));
  }

  bool next(DatasetRow& row) override {
    if (!reader_->next(values_)) return false;
    row.resize(columns_.size());
    for (size_t c = 0; c < columns_.size(); ++c) {
      row[c].ints.clear();
      row[c].floats.clear();
      if (!places_[c]) continue;
      const MindRecordValue& value = values_[*places_[c]];
      if (columns_[c].floats) row[c].floats.assign(value.floats.begin(), value.floats.end());
      else copy_ints(value.ints, row[c].ints, columns_[c].name, [this] { return where(); });
    }
    return true;
  }

  int64_t size() override { return rows_; }
  void seek(int64_t number) override {
    if (!reader_) open();
    reader_->seek(number);
  }
  bool seeks_fast() const override { return true; }
  void close() override { reader_.reset(); }
  std::string where() const override { return reader_->where(); }
  std::vector<std::string> warnings() const override { return warnings_; }

 private:
  void open() {
    if (shards_ == MindRecordShards::all) reader_.emplace(path_);
    else reader_.emplace(std::vector<std::string>{path_});
  }

  std::optional<size_t> place_of(const DatasetColumn& wanted) const {
    std::vector<std::string_view> names;
    for (size_t i = 0; i < reader_->columns().size(); ++i) {
      const MindRecordColumn& column = reader_->columns()[i];
      names.push_back(column.name);
      if (column.name != wanted.name) continue;
      check(wanted.floats ? column.is_float() : column.is_integer(), "{}: column {} holds {}, expected {}",
            path_, column.name, name_of(column.type), wanted.floats ? "float32" : "int32 or int64");
      return i;
    }
    check(wanted.optional, "{}: no column \"{}\": the records have {}", path_, wanted.name,
          joined(names, ", "));
    return std::nullopt;
  }

  std::string path_;
  MindRecordShards shards_;
  std::optional<MindRecordReader> reader_;  // none while closed
  int64_t rows_ = 0;
  std::vector<std::string> warnings_;
  std::vector<DatasetColumn> columns_;
  std::vector<std::optional<size_t>> places_;  // of the columns in a record
  MindRecordRow values_;
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

class MindDatasetWriter final : public DatasetWriter {
 public:
  MindDatasetWriter(const std::string& path, const std::vector<DatasetColumn>& columns)
      : writer_(path, mind_columns(columns)), row_(columns.size()) {
    for (const DatasetColumn& column : columns) {
      const auto& sorted = writer_.columns();
      const auto place = std::find_if(sorted.begin(), sorted.end(), [&](const MindRecordColumn& other) {
        return other.name == column.name;
      });
      places_.push_back(static_cast<size_t>(place - sorted.begin()));
    }
  }

  void write(const DatasetRow& row) override {
    for (size_t c = 0; c < row.size(); ++c) {
      MindRecordValue& value = row_[places_[c]];
      value.ints.assign(row[c].ints.begin(), row[c].ints.end());
      value.floats.assign(row[c].floats.begin(), row[c].floats.end());
    }
    writer_.write(row_);
  }

  std::vector<AtomicFile*> complete() override { return writer_.complete(); }

 private:
  static std::vector<MindRecordColumn> mind_columns(const std::vector<DatasetColumn>& columns) {
    std::vector<MindRecordColumn> made;
    for (const DatasetColumn& column : columns) {
      made.push_back({column.name,
                      column.floats ? MindRecordColumn::Type::float32 : MindRecordColumn::Type::int32,
                      {-1}});
    }
    return made;
  }

  MindRecordWriter writer_;
  std::vector<size_t> places_;  // of the columns in a MindRecord row
  MindRecordRow row_;
};

}  // namespace

DatasetFormat parse_dataset_format(std::string_view name) {
  if (name == "text") return DatasetFormat::text;
  if (name == "mindrecord") return DatasetFormat::mindrecord;
  if (name == "tfrecord") return DatasetFormat::tfrecord;
  fail("data set format '{}': expected text, mindrecord or tfrecord", name);
}

bool is_whole_dataset(const std::string& path, DatasetFormat format) {
  namespace fs = std::filesystem;
  return fs::exists(path) && (format != DatasetFormat::mindrecord || fs::exists(path + ".db"));
}

void DatasetWriter::finish() { commit_together(complete()); }

int64_t schema_rows(const std::string& schema_path) { return read_schema(schema_path).rows; }

std::unique_ptr<DatasetReader> DatasetReader::open(const std::string& path, DatasetFormat format,
                                                   std::vector<DatasetColumn> columns,
                                                   const std::string& schema_path, MindRecordShards shards) {
  if (format == DatasetFormat::mindrecord)
    return std::make_unique<MindDataset>(path, std::move(columns), !schema_path.empty(), shards);
  check(format == DatasetFormat::tfrecord, "{}: a text has no records", path);
  std::optional<Schema> schema;
  if (!schema_path.empty()) schema = read_schema(schema_path);
  return std::make_unique<TfDataset>(path, std::move(columns), std::move(schema));
}

std::unique_ptr<DatasetWriter> DatasetWriter::create(const std::string& path, DatasetFormat format,
                                                     std::vector<DatasetColumn> columns) {
  if (format == DatasetFormat::mindrecord) return std::make_unique<MindDatasetWriter>(path, columns);
  check(format == DatasetFormat::tfrecord, "{}: a text has no records", path);
  return std::make_unique<TfDatasetWriter>(path, std::move(columns));
}

}  // namespace gradus
