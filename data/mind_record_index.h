// The SQLite index beside a MindRecord file: where each row lies, and the values of some columns for queries.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "data/mind_record.h"
#include "data/sqlite_draft.h"

struct sqlite3;
struct sqlite3_stmt;

namespace gradus::mind_record {

// Where the parts of a row lie: pages, and bytes [begin, end) within them, the length in front included.
struct RowPlace {
  uint64_t group = 0;
  uint64_t blob_page = 0, blob_begin = 0, blob_end = 0;
  uint64_t raw_page = 0, raw_begin = 0, raw_end = 0;
};

struct CloseDatabase {
  void operator()(sqlite3* database) const;
};
struct CloseStatement {
  void operator()(sqlite3_stmt* statement) const;
};
using Database = std::unique_ptr<sqlite3, CloseDatabase>;
using Statement = std::unique_ptr<sqlite3_stmt, CloseStatement>;

class IndexReader {
 public:
  // Opens an index for reading. Throws Error naming the file when it is no SQLite database or lacks its tables.
  explicit IndexReader(std::string path);

  // The name of the data file that the index was made for.
  const std::string& data_file() const { return data_file_; }
  int64_t rows() const { return rows_; }
  // Throws Error when there is no such row.
  RowPlace find(int64_t row);
  // The largest values of all rows, for one check of the index against its file.
  RowPlace largest();

 private:
  Statement prepare(const std::string& sql);
  RowPlace one_place(sqlite3_stmt* statement);

  std::string path_;
  Database database_;
  Statement find_;
  std::string data_file_;
  int64_t rows_ = 0;
};

// Makes an index; it is there under its name when the file that complete() gives is committed, and not at all before.
class IndexWriter {
 public:
  // `fields`: the columns whose values are stored too. Throws Error when the file can't be made.
  IndexWriter(std::string path, const std::string& data_file, std::vector<MindRecordColumn> fields);
  IndexWriter(const IndexWriter&) = delete;
  IndexWriter& operator=(const IndexWriter&) = delete;

  // `values`: of the fields.
  void add(const RowPlace& place, const std::vector<const MindRecordValue*>& values);
  // Writes what is left, and returns the file to commit.
  AtomicFile& complete();

 private:
  void run(const std::string& sql);
  [[noreturn]] void fail_here();

  std::string path_;
  SqliteDraft draft_;
  std::vector<MindRecordColumn> fields_;
  Database database_;
  Statement insert_;
  int64_t rows_ = 0;
};

}  // namespace gradus::mind_record
