// MindRecord files, version 3.0 and 2.0: rows of named columns in fixed-size pages, in one file or several (shards),
// each with an SQLite index beside it. A row has two parts: numbers and strings lie in a raw page as a msgpack map,
// arrays and bytes in a blob page. https://www.mindspore.cn/tutorials (MindRecord),
// mindspore/ccsrc/minddata/mindrecord
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gradus {

struct MindRecordColumn {
  enum class Type : uint8_t { int32, int64, float32, float64, string, bytes };

  std::string name;
  Type type = Type::int32;
  // Of an array, -1 once for "as many as there are"; empty for a single value.
  std::vector<int64_t> shape;

  bool is_integer() const { return type == Type::int32 || type == Type::int64; }
  bool is_float() const { return type == Type::float32 || type == Type::float64; }
  bool is_array() const { return !shape.empty(); }
  // Whether it lies in the blob part of a row.
  bool is_blob() const { return is_array() || type == Type::bytes; }
  friend bool operator==(const MindRecordColumn&, const MindRecordColumn&) = default;
};

std::string_view name_of(MindRecordColumn::Type type);

// What a row has in a column. Only the member that the column's type asks for is filled: `ints`, `floats` (a float32 is
// exact in it), or `bytes` for strings and bytes. A single number is a list of one.
struct MindRecordValue {
  std::vector<int64_t> ints;
  std::vector<double> floats;
  std::string bytes;
  std::vector<int64_t> shape;  // of an array, in this row
};

// In the order of the columns.
using MindRecordRow = std::vector<MindRecordValue>;

// The rows of a set: shard after shard, each from its first row to its last.
class MindRecordReader {
 public:
  // Opens the file and all others that its header names as its shards, in the same folder. Throws Error, naming the
  // file and what is wrong, for damaged, encrypted and missing files, and for shards that don't agree.
  explicit MindRecordReader(const std::string& path);
  // Opens exactly these shards.
  explicit MindRecordReader(const std::vector<std::string>& paths);
  ~MindRecordReader();
  MindRecordReader(const MindRecordReader&) = delete;
  MindRecordReader& operator=(const MindRecordReader&) = delete;

  // Sorted by name.
  const std::vector<MindRecordColumn>& columns() const { return columns_; }
  int64_t rows() const { return rows_; }
  std::vector<int64_t> rows_per_shard() const;
  std::vector<std::string> paths() const;  // of the shards
  // What was found odd but does no harm, an index file that is missing or another file's, say.
  const std::vector<std::string>& warnings() const { return warnings_; }

  // Lets next() go on with row `row` of 0 to rows(). Uses the index where there is one; otherwise the rows before it in
  // its group are walked over.
  void seek(int64_t row);
  // Reads the next row; false at the end. The row's memory is used again. Throws Error "path: row N: ..." when the row
  // is damaged or does not fit the columns.
  bool next(MindRecordRow& row);
  // "path: row N" of the last row, N counted from 0 within the shard.
  std::string where() const;

 private:
  class Shard;
  struct Decoder;

  void open(const std::vector<std::string>& paths);

  std::vector<std::unique_ptr<Shard>> shards_;
  std::vector<MindRecordColumn> columns_;
  std::vector<std::string> warnings_;
  int64_t rows_ = 0;
  size_t shard_ = 0;  // that next() reads from
};

}  // namespace gradus
