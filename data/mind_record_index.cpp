#include "data/mind_record_index.h"

#include <sqlite3.h>

#include <utility>

#include "core/error.h"
#include "core/io/files.h"

namespace gradus::mind_record {
namespace {

constexpr const char* place_columns =
    "ROW_GROUP_ID, PAGE_ID_BLOB, PAGE_OFFSET_BLOB, PAGE_OFFSET_BLOB_END, PAGE_ID_RAW, PAGE_OFFSET_RAW, "
    "PAGE_OFFSET_RAW_END";

std::string_view sql_type(const MindRecordColumn& column) {
  if (column.is_integer()) return "INTEGER";
  return column.is_float() ? "REAL" : "TEXT";
}

}  // namespace

void CloseDatabase::operator()(sqlite3* database) const { sqlite3_close_v2(database); }
void CloseStatement::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

IndexReader::IndexReader(std::string path) : path_(std::move(path)) {
  check_regular_file(path_);  // SQLite would wait for a pipe
  sqlite3* opened = nullptr;
  const int status = sqlite3_open_v2(path_.c_str(), &opened, SQLITE_OPEN_READONLY, nullptr);
  database_.reset(opened);
  check(status == SQLITE_OK, "cannot open '{}': {}", path_, sqlite3_errstr(status));
  // A file that nobody vouches for gets to run no code of its own.
  sqlite3_db_config(opened, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(opened, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  const Statement tables = prepare(
      "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name IN ('INDEXES', 'SHARD_NAME')");
  check(sqlite3_step(tables.get()) == SQLITE_ROW, "{}: {}", path_, sqlite3_errmsg(database_.get()));
  check(sqlite3_column_int(tables.get(), 0) == 2,
        "{}: no table INDEXES or SHARD_NAME: this is no MindRecord index", path_);
  const Statement name = prepare("SELECT NAME FROM SHARD_NAME");
  check(sqlite3_step(name.get()) == SQLITE_ROW && sqlite3_column_text(name.get(), 0) != nullptr,
        "{}: SHARD_NAME is empty", path_);
  data_file_ = reinterpret_cast<const char*>(sqlite3_column_text(name.get(), 0));
  const Statement count = prepare("SELECT COUNT(*) FROM INDEXES");
  check(sqlite3_step(count.get()) == SQLITE_ROW, "{}: {}", path_, sqlite3_errmsg(database_.get()));
  rows_ = sqlite3_column_int64(count.get(), 0);
  find_ = prepare(std::string("SELECT ") + place_columns + " FROM INDEXES WHERE ROW_ID = ?");
}

Statement IndexReader::prepare(const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  const int status = sqlite3_prepare_v2(database_.get(), sql.c_str(), -1, &statement, nullptr);
  Statement prepared(statement);
  check(status == SQLITE_OK, "{}: {}", path_, sqlite3_errmsg(database_.get()));
  return prepared;
}

RowPlace IndexReader::one_place(sqlite3_stmt* statement) {
  RowPlace place;
  uint64_t* const members[] = {&place.group,    &place.blob_page, &place.blob_begin, &place.blob_end,
                               &place.raw_page, &place.raw_begin, &place.raw_end};
  for (int i = 0; i < 7; ++i) {
    const int64_t value = sqlite3_column_int64(statement, i);
    check(value >= 0, "{}: a place of {}, expected 0 or more", path_, value);
    *members[i] = static_cast<uint64_t>(value);
  }
  return place;
}

RowPlace IndexReader::find(int64_t row) {
  sqlite3_reset(find_.get());
  sqlite3_bind_int64(find_.get(), 1, row);
  check(sqlite3_step(find_.get()) == SQLITE_ROW, "{}: no row {}", path_, row);
  return one_place(find_.get());
}

RowPlace IndexReader::largest() {
  const Statement statement = prepare(
      "SELECT MAX(ROW_GROUP_ID), MAX(PAGE_ID_BLOB), MAX(PAGE_OFFSET_BLOB), MAX(PAGE_OFFSET_BLOB_END), "
      "MAX(PAGE_ID_RAW), MAX(PAGE_OFFSET_RAW), MAX(PAGE_OFFSET_RAW_END) FROM INDEXES");
  check(sqlite3_step(statement.get()) == SQLITE_ROW, "{}: {}", path_, sqlite3_errmsg(database_.get()));
  return one_place(statement.get());
}

IndexWriter::IndexWriter(std::string path, const std::string& data_file, std::vector<MindRecordColumn> fields)
    : path_(std::move(path)), draft_(path_), fields_(std::move(fields)) {
  sqlite3* opened = nullptr;
  const int status = sqlite3_open_v2(path_.c_str(), &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                                     draft_.vfs_name().c_str());
  database_.reset(opened);
  draft_.rethrow();
  check(status == SQLITE_OK, "cannot write '{}': {}", path_, sqlite3_errstr(status));
  // The file gets its name when it is whole: until then a crash loses nothing that anyone looks for.
  run("PRAGMA journal_mode = OFF");
  run("PRAGMA temp_store = MEMORY");
  run("PRAGMA synchronous = OFF");
  run("BEGIN");
  run("CREATE TABLE SHARD_NAME(NAME TEXT NOT NULL)");
  std::string columns =
      "ROW_ID INT NOT NULL, PAGE_ID_RAW INT NOT NULL, PAGE_OFFSET_RAW INT NOT NULL, PAGE_OFFSET_RAW_END INT "
      "NOT NULL, "
      "ROW_GROUP_ID INT NOT NULL, PAGE_ID_BLOB INT NOT NULL, PAGE_OFFSET_BLOB INT NOT NULL, "
      "PAGE_OFFSET_BLOB_END INT NOT NULL";
  std::string key = "ROW_ID", parameters = "?, ?, ?, ?, ?, ?, ?, ?";
  for (size_t i = 0; i < fields_.size(); ++i) {
    columns += fmt::format(", INC_{} INT, \"{}_0\" {}", i, fields_[i].name, sql_type(fields_[i]));
    key += fmt::format(", INC_{}", i);
    parameters += ", 0, ?";
  }
  run(fmt::format("CREATE TABLE INDEXES({}, PRIMARY KEY({}))", columns, key));
  sqlite3_stmt* name = nullptr;
  if (sqlite3_prepare_v2(opened, "INSERT INTO SHARD_NAME VALUES(?)", -1, &name, nullptr) != SQLITE_OK)
    fail_here();
  const Statement named(name);
  sqlite3_bind_text(name, 1, data_file.data(), static_cast<int>(data_file.size()), SQLITE_TRANSIENT);
  if (sqlite3_step(name) != SQLITE_DONE) fail_here();
  sqlite3_stmt* insert = nullptr;
  const std::string sql = fmt::format("INSERT INTO INDEXES VALUES({})", parameters);
  if (sqlite3_prepare_v2(opened, sql.c_str(), -1, &insert, nullptr) != SQLITE_OK) fail_here();
  insert_.reset(insert);
}

void IndexWriter::fail_here() {
  draft_.rethrow();
  fail("cannot write '{}': {}", path_, sqlite3_errmsg(database_.get()));
}

void IndexWriter::run(const std::string& sql) {
  if (sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) fail_here();
}

void IndexWriter::add(const RowPlace& place, const std::vector<const MindRecordValue*>& values) {
  sqlite3_stmt* insert = insert_.get();
  sqlite3_reset(insert);
  int parameter = 1;
  for (const uint64_t number :
       {static_cast<uint64_t>(rows_++), place.raw_page, place.raw_begin, place.raw_end, place.group,
        place.blob_page, place.blob_begin, place.blob_end}) {
    sqlite3_bind_int64(insert, parameter++, static_cast<int64_t>(number));
  }
  for (size_t i = 0; i < fields_.size(); ++i) {
    const MindRecordValue& value = *values[i];
    if (fields_[i].is_integer()) sqlite3_bind_int64(insert, parameter, value.ints.at(0));
    else if (fields_[i].is_float()) sqlite3_bind_double(insert, parameter, value.floats.at(0));
    else
      sqlite3_bind_text(insert, parameter, value.bytes.data(), static_cast<int>(value.bytes.size()),
                        SQLITE_TRANSIENT);
    ++parameter;
  }
  if (sqlite3_step(insert) != SQLITE_DONE) fail_here();
}

AtomicFile& IndexWriter::complete() {
  insert_.reset();
  run("COMMIT");
  database_.reset();
  draft_.rethrow();
  return draft_.file();
}

}  // namespace gradus::mind_record
