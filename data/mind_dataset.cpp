// MindRecord files as a data set.
#include <algorithm>
#include <optional>

#include "core/error.h"
#include "core/joined.h"
#include "data/dataset_columns.h"
#include "data/dataset_formats.h"
#include "data/mind_record.h"
#include "data/mind_record_writer.h"

namespace gradus {
namespace {

class MindDataset final : public DatasetReader {
 public:
  MindDataset(const std::string& path, std::vector<DatasetColumn> columns, bool has_schema,
              DatasetShards shards)
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
    if (shards_ == DatasetShards::all) reader_.emplace(path_);
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
  DatasetShards shards_;
  std::optional<MindRecordReader> reader_;  // none while closed
  int64_t rows_ = 0;
  std::vector<std::string> warnings_;
  std::vector<DatasetColumn> columns_;
  std::vector<std::optional<size_t>> places_;  // of the columns in a record
  MindRecordRow values_;
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

std::unique_ptr<DatasetReader> open(const std::string& path, std::vector<DatasetColumn> columns,
                                    const std::string& schema_path, DatasetShards shards) {
  return std::make_unique<MindDataset>(path, std::move(columns), !schema_path.empty(), shards);
}

std::unique_ptr<DatasetWriter> create(const std::string& path, std::vector<DatasetColumn> columns) {
  return std::make_unique<MindDatasetWriter>(path, columns);
}

}  // namespace

RecordFormat mind_record_format() {
  return {.format = DatasetFormat::mindrecord,
          .name = "mindrecord",
          .ending = ".mindrecord",
          .index = ".db",
          .marks = {"mindrecord", "mind_record"},
          .record = "row",
          .first = 0,
          .has_schema = false,
          .shards = [](const std::string& path) { return MindRecordReader(path).paths(); },
          .is_sequential = nullptr,
          .open = open,
          .create = create};
}

}  // namespace gradus
