// SQLite writing its database through the project's own way to write files.
#pragma once

#include <exception>
#include <memory>
#include <string>

#include "core/io/files.h"

struct sqlite3_vfs;

namespace gradus::mind_record {

// A file that SQLite writes a new database to. SQLite hides why a call failed, and does not look whether a file could
// be closed; here every call is that of an AtomicFile, which says so.
class SqliteDraft {
 public:
  // Throws Error when no file can be made at `path`.
  explicit SqliteDraft(const std::string& path);
  ~SqliteDraft();
  SqliteDraft(const SqliteDraft&) = delete;
  SqliteDraft& operator=(const SqliteDraft&) = delete;

  // The name by which sqlite3_open_v2() finds the file, as its last argument.
  const std::string& vfs_name() const { return name_; }
  AtomicFile& file() { return file_; }
  // Throws the Error that stopped SQLite, if one did.
  void rethrow() const;

  // Runs `work` and returns its result; when it throws, keeps the error and returns `failure`.
  template <typename Work>
  int run(int failure, const Work& work) noexcept {
    try {
      return work();
    } catch (...) {  // no exception may pass through SQLite
      if (!error_) error_ = std::current_exception();
      return failure;
    }
  }

 private:
  AtomicFile file_;
  std::string name_;
  std::unique_ptr<sqlite3_vfs> vfs_;
  std::exception_ptr error_;
};

}  // namespace gradus::mind_record
