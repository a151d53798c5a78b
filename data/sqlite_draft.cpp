#include "data/sqlite_draft.h"

#include <sqlite3.h>

#include <cstring>

#include "core/error.h"

namespace gradus::mind_record {

namespace {

// What SQLite sees of a draft.
struct OpenDraft {
  sqlite3_file base;
  SqliteDraft* draft;
};

SqliteDraft& draft_of(sqlite3_file* file) { return *reinterpret_cast<OpenDraft*>(file)->draft; }

int read(sqlite3_file* file, void* out, int size, sqlite3_int64 offset) {
  SqliteDraft& draft = draft_of(file);
  return draft.run(SQLITE_IOERR_READ, [&] {
    char* const bytes = static_cast<char*>(out);
    const size_t wanted = static_cast<size_t>(size);
    const size_t have = draft.file().read_at(static_cast<uint64_t>(offset), bytes, wanted);
    std::memset(bytes + have, 0, wanted - have);
    return have == wanted ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
  });
}

int write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 offset) {
  SqliteDraft& draft = draft_of(file);
  return draft.run(SQLITE_IOERR_WRITE, [&] {
    draft.file().write_at(static_cast<uint64_t>(offset),
                          {static_cast<const char*>(bytes), static_cast<size_t>(size)});
    return SQLITE_OK;
  });
}

int size_of(sqlite3_file* file, sqlite3_int64* size) {
  SqliteDraft& draft = draft_of(file);
  return draft.run(SQLITE_IOERR_FSTAT, [&] {
    *size = static_cast<sqlite3_int64>(draft.file().size());
    return SQLITE_OK;
  });
}

// Nobody else opens a draft, it is flushed to the disk at its end, and one database is never made shorter.
int done(sqlite3_file*) { return SQLITE_OK; }
int done(sqlite3_file*, int) { return SQLITE_OK; }
int done(sqlite3_file*, sqlite3_int64) { return SQLITE_OK; }
int no_lock(sqlite3_file*, int* locked) {
  *locked = 0;
  return SQLITE_OK;
}
int no_control(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }
int no_sector(sqlite3_file*) { return 0; }

sqlite3_io_methods make_methods() {
  sqlite3_io_methods methods{};
  methods.iVersion = 1;
  methods.xClose = done;
  methods.xRead = read;
  methods.xWrite = write;
  methods.xTruncate = done;
  methods.xSync = done;
  methods.xFileSize = size_of;
  methods.xLock = done;
  methods.xUnlock = done;
  methods.xCheckReservedLock = no_lock;
  methods.xFileControl = no_control;
  methods.xSectorSize = no_sector;
  methods.xDeviceCharacteristics = no_sector;
  return methods;
}

const sqlite3_io_methods methods = make_methods();

int open(sqlite3_vfs* vfs, const char*, sqlite3_file* file, int flags, int* flags_out) {
  file->pMethods = nullptr;
  if ((flags & SQLITE_OPEN_MAIN_DB) == 0) return SQLITE_CANTOPEN;  // no journal, no temporary file
  if (flags_out != nullptr) *flags_out = flags;
  file->pMethods = &methods;
  reinterpret_cast<OpenDraft*>(file)->draft = static_cast<SqliteDraft*>(vfs->pAppData);
  return SQLITE_OK;
}

int remove(sqlite3_vfs*, const char*, int) { return SQLITE_OK; }

int access(sqlite3_vfs*, const char*, int, int* found) {
  *found = 0;  // no journal of a run before
  return SQLITE_OK;
}

int full_name(sqlite3_vfs*, const char* name, int size, char* out) {
  sqlite3_snprintf(size, out, "%s", name);
  return SQLITE_OK;
}

}  // namespace

SqliteDraft::SqliteDraft(const std::string& path)
    : file_(path), name_(fmt::format("gradus-{}", static_cast<const void*>(this))) {
  const sqlite3_vfs* usual = sqlite3_vfs_find(nullptr);
  check(usual != nullptr, "cannot write '{}': SQLite has no file system", path);
  vfs_ = std::make_unique<sqlite3_vfs>(*usual);  // the clock and random numbers are the usual ones
  vfs_->iVersion = 1;
  vfs_->szOsFile = sizeof(OpenDraft);
  vfs_->pNext = nullptr;
  vfs_->zName = name_.c_str();
  vfs_->pAppData = this;
  vfs_->xOpen = open;
  vfs_->xDelete = remove;
  vfs_->xAccess = access;
  vfs_->xFullPathname = full_name;
  check(sqlite3_vfs_register(vfs_.get(), 0) == SQLITE_OK, "cannot write '{}': SQLite takes no file of ours",
        path);
}

SqliteDraft::~SqliteDraft() { sqlite3_vfs_unregister(vfs_.get()); }

void SqliteDraft::rethrow() const {
  if (error_) std::rethrow_exception(error_);
}

}  // namespace gradus::mind_record
