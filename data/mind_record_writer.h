// Writes MindRecord sets that MindSpore reads too.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/io/files.h"
#include "data/mind_record.h"

namespace gradus {

struct MindRecordOptions {
  int64_t shards = 1;  // files
  // Columns whose values the index stores too, numbers and strings alone; by default all of them.
  bool index_all = true;
  std::vector<std::string> index_fields;  // with index_all false
  std::string description;
  uint64_t header_size = 16U << 20;  // bytes; a file takes the disk only for what is used
  uint64_t page_size = 32U << 20;
};

class MindRecordWriter {
 public:
  // `path` names the only file, or is what the files' names begin with: "name0", "name1", ... Throws Error when
  // columns or options are not allowed, and when a file can't be made.
  MindRecordWriter(std::string path, std::vector<MindRecordColumn> columns, MindRecordOptions options = {});
  ~MindRecordWriter();
  MindRecordWriter(const MindRecordWriter&) = delete;
  MindRecordWriter& operator=(const MindRecordWriter&) = delete;

  // The columns in the order that rows have to have: sorted by name.
  const std::vector<MindRecordColumn>& columns() const { return columns_; }

  // Adds a row to a shard. Throws Error when a value does not fit its column, and when the row is larger than a page.
  void write(const MindRecordRow& row, int64_t shard = 0);
  // Completes all files and gives them their names: before, none is there.
  void finish();
  // The first half of finish(): writes what is left, and returns the files to commit, each data file before its index.
  std::vector<AtomicFile*> complete();

  // The shard for row `row` of `rows` when each is to have a run of rows of about the same length, so that reading
  // gives the order of writing.
  static int64_t shard_of(int64_t row, int64_t rows, int64_t shards);

 private:
  class Shard;
  std::vector<MindRecordColumn> columns_;
  MindRecordOptions options_;
  std::vector<std::unique_ptr<Shard>> shards_;
};

}  // namespace gradus
