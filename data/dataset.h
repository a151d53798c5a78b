// The records of a data set, whichever format it has: chosen columns of each, as numbers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/io/files.h"

namespace gradus {

enum class DatasetFormat : uint8_t { text, mindrecord, tfrecord };

// "text", "mindrecord" or "tfrecord". Throws Error on any other name.
DatasetFormat parse_dataset_format(std::string_view name);

// The numRows of a schema.json (DatasetReader::open), or the greatest number there is. Throws Error naming the file.
int64_t schema_rows(const std::string& schema_path);

struct DatasetColumn {
  std::string name;
  bool floats = false;    // otherwise integers
  bool optional = false;  // a record may lack it, and is then empty there
};

// What a record has in a column.
struct DatasetValue {
  std::vector<int32_t> ints;
  std::vector<float> floats;
};

using DatasetRow = std::vector<DatasetValue>;  // in the order of the columns asked for

// What to read when a file is one of several shards of a set.
enum class DatasetShards : uint8_t { all, one };

// Reads records from the first to the last.
class DatasetReader {
 public:
  virtual ~DatasetReader() = default;

  // Opens a TFRecord file, or the MindRecord set that a file belongs to. `schema_path` may name a schema.json,
  // {"datasetType": "TF", "numRows": N, "columns": {name: {"type": "int64", "rank": 1, "shape": [n]}, ...}}: then every
  // record has to have the columns so, and at most N records are read. Throws Error naming the file when it can't be
  // read, has no such columns, or only others.
  static std::unique_ptr<DatasetReader> open(const std::string& path, DatasetFormat format,
                                             std::vector<DatasetColumn> columns,
                                             const std::string& schema_path = "",
                                             DatasetShards shards = DatasetShards::all);

  // Reads the next record; false at the end. The row's memory is used again. Throws Error "<where()>: ..." on a
  // damaged record, a column that is missing or holds something else, and an integer beyond 32 bits.
  virtual bool next(DatasetRow& row) = 0;
  // How many records there are. A TFRecord file is gone through to tell, once.
  virtual int64_t size() = 0;
  // Lets next() go on with record `number` of 0 to size(). Jumps there, but goes through what lies before it in a
  // compressed TFRecord file.
  virtual void seek(int64_t number) = 0;
  // Whether seek() jumps.
  virtual bool seeks_fast() const = 0;
  // Gives the open file back, but not what is known of its records; seek() opens it again.
  virtual void close() = 0;
  // "path: record N" or "path: row N" of the last record: those of a TFRecord file count from 1, of MindRecord from 0.
  virtual std::string where() const = 0;
  // What was found odd but does no harm.
  virtual std::vector<std::string> warnings() const { return {}; }
};

// Whether a data set stands at `path` with all its files. An index is written last: without it a run was stopped, or the file
// is another program's.
bool is_whole_dataset(const std::string& path, DatasetFormat format);

// Writes records that DatasetReader reads, and the frameworks that have these formats. Integers are 32 bits in a
// MindRecord file and 64 in a TFRecord, as its Example has them.
class DatasetWriter {
 public:
  virtual ~DatasetWriter() = default;

  // Makes a file of `columns`; "optional" means nothing here. Throws Error when it can't.
  static std::unique_ptr<DatasetWriter> create(const std::string& path, DatasetFormat format,
                                               std::vector<DatasetColumn> columns);

  virtual void write(const DatasetRow& row) = 0;
  // Completes the records, and the index that a MindRecord file has, and gives the files their names: before, what stood
  // under these is untouched.
  void finish();
  // The first half of finish(): writes what is left, and returns the files to commit.
  virtual std::vector<AtomicFile*> complete() = 0;
};

// A format of records. A new one is written in data/<format>_dataset.cpp and named in data/dataset.cpp; every program then has it.
struct RecordFormat {
  DatasetFormat format;
  std::string_view name;    // as in --dataset_format
  std::string_view ending;  // of the files that are written, where a data set has no other
  std::string_view index;   // ending of the file beside one that completes it; empty: it is whole by itself
  // The names of the files in a folder contain one of these; the first is shown.
  std::vector<std::string_view> marks;
  std::string_view record;  // what a record is called
  int64_t first;            // and the number of the first
  bool has_schema;          // whether a schema.json says what the records have, and how many are read
  // All files of the set that this one belongs to; null where files don't name each other.
  std::vector<std::string> (*shards)(const std::string& path);
  // Whether a record is reached through those before it alone; null where none is.
  bool (*is_sequential)(const std::string& path);
  std::unique_ptr<DatasetReader> (*open)(const std::string& path, std::vector<DatasetColumn> columns,
                                         const std::string& schema_path, DatasetShards shards);
  std::unique_ptr<DatasetWriter> (*create)(const std::string& path, std::vector<DatasetColumn> columns);

  // Whether these files of a data set are one that stands for all its shards.
  bool is_set(const std::vector<std::string>& files) const { return shards != nullptr && files.size() == 1; }
};

const std::vector<RecordFormat>& record_formats();
// Throws Error: a text has no records.
const RecordFormat& record_format(DatasetFormat format);

}  // namespace gradus
