#include "core/io/files.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

#include "core/error.h"

namespace gradus {
namespace {

namespace fs = std::filesystem;

// Behind the name of a file that others are about to replace, while they do.
constexpr std::string_view old_mark = ".old";

void check_regular(const fs::path& path, mode_t mode) {
  if (S_ISDIR(mode)) {
    errno = EISDIR;
    fail_errno("read", path);
  }
  check(S_ISREG(mode), "cannot read '{}': not a regular file", path.string());
}

// A file open for reading that closes itself.
class OpenFile {
 public:
  OpenFile(const fs::path& path, std::string_view what, FileKind kind)
      // Without O_NONBLOCK a pipe would wait for its writer before anybody can look what it is.
      : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | (kind == FileKind::regular ? O_NONBLOCK : 0))) {
    if (fd_ < 0) fail_errno(what, path);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() { ::close(fd_); }

  int get() const { return fd_; }
  struct stat status(const fs::path& path) const {
    struct stat found {};
    if (::fstat(fd_, &found) != 0) fail_errno("read", path);
    return found;
  }

 private:
  int fd_;
};

bool is_device(const fs::path& path) {
  std::error_code ignored;
  return fs::is_character_file(path, ignored) || fs::is_fifo(path, ignored);
}

fs::path folder_of(const fs::path& path) { return path.has_parent_path() ? path.parent_path() : "."; }

fs::path temporary_name(const fs::path& path, std::string_view mark = {}) {
  fs::path name = path;
  name += fmt::format("{}{}{}", mark, temporary_mark, ::getpid());
  return name;
}

// Whether `name` is a temporary name of the file `of`, and its writer runs no more.
bool is_leftover(std::string_view name, std::string_view of) {
  if (!name.starts_with(of)) return false;
  name.remove_prefix(of.size());
  if (name.starts_with(old_mark)) name.remove_prefix(old_mark.size());
  if (!name.starts_with(temporary_mark)) return false;
  const std::optional<int64_t> pid = number_in_name(name.substr(temporary_mark.size()));
  return pid && *pid != ::getpid() && !other_process_runs(*pid);
}

void remove_leftovers(const fs::path& path) {
  const std::string of = path.filename().string();
  std::error_code error;  // what can't be listed or removed stays: it does no harm
  for (fs::directory_iterator entry(folder_of(path), error), end; !error && entry != end;
       entry.increment(error)) {
    if (is_leftover(entry->path().filename().string(), of)) ::unlink(entry->path().c_str());
  }
}

// All of `bytes`, by calls of write or pwrite.
template <typename Write>
void write_all(std::string_view bytes, const fs::path& path, const Write& write) {
  while (!bytes.empty()) {
    const ssize_t written = write(bytes);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_errno("write", path);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
}

// A draft that takes the place of a file, in steps that can be taken back.
class Exchange {
 public:
  Exchange(const fs::path& draft, const fs::path& path) : draft_(draft), path_(path) {}

  // Gives the old file a second name. Where the file system has no such links it can't be brought back.
  void keep_old() {
    old_ = temporary_name(path_, old_mark);
    ::unlink(old_.c_str());
    if (::link(path_.c_str(), old_.c_str()) == 0) return;
    old_.clear();
    is_new_ = errno == ENOENT;
  }
  void take_name() const {
    if (!old_.empty() && ::unlink(path_.c_str()) != 0) fail_errno("replace", path_);
  }
  void give_name() {
    if (::rename(draft_.c_str(), path_.c_str()) != 0) fail_errno("replace", path_);
    is_there_ = true;
  }
  void undo() const {
    if (is_there_ && is_new_) ::unlink(path_.c_str());
    if (!old_.empty()) ::rename(old_.c_str(), path_.c_str());
    drop_old();  // renaming onto another name of the same file leaves both
  }
  void drop_old() const {
    if (!old_.empty()) ::unlink(old_.c_str());
  }

 private:
  fs::path draft_, path_, old_;
  bool is_new_ = false;  // no file stood there
  bool is_there_ = false;
};

}  // namespace

void fail_errno(std::string_view what, const fs::path& path) {
  const std::string reason = std::generic_category().message(errno);
  fail("cannot {} '{}': {}", what, path.string(), reason);
}

std::optional<int64_t> number_in_name(std::string_view part) {
  int64_t number = 0;
  const auto read = std::from_chars(part.data(), part.data() + part.size(), number);
  if (read.ec != std::errc() || number < 0 || fmt::format("{}", number) != part) return std::nullopt;
  return number;
}

bool other_process_runs(int64_t pid) {
  return pid != ::getpid() && (::kill(static_cast<pid_t>(pid), 0) == 0 || errno == EPERM);
}

std::string read_file(const fs::path& path, size_t most, FileKind kind) {
  const OpenFile file(path, "read", kind);
  const struct stat status = file.status(path);
  if (kind == FileKind::regular) check_regular(path, status.st_mode);
  const auto fits = [&](uint64_t size) {
    check(size <= most, "{}: larger than {} bytes", path.string(), most);
  };
  if (S_ISREG(status.st_mode)) fits(static_cast<uint64_t>(status.st_size));
  std::string bytes;
  std::array<char, 1 << 16> chunk{};
  for (;;) {
    const ssize_t count = ::read(file.get(), chunk.data(), chunk.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_errno("read", path);
    if (count == 0) return bytes;
    bytes.append(chunk.data(), static_cast<size_t>(count));
    fits(bytes.size());
  }
}

void check_regular_file(const fs::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) fail_errno("read", path);
  check_regular(path, status.st_mode);
}

void make_folder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  check(!error, "cannot make folder '{}': {}", path.string(), error.message());
}

MappedFile::MappedFile(const fs::path& path) : MappedFile(path, 0, SIZE_MAX) {}

MappedFile::MappedFile(const fs::path& path, uint64_t begin, size_t size) {
  const OpenFile file(path, "read", FileKind::regular);
  const struct stat status = file.status(path);
  check_regular(path, status.st_mode);
  const auto end = static_cast<uint64_t>(status.st_size);
  if (begin >= end || size == 0) return;
  before_ = static_cast<size_t>(begin % static_cast<uint64_t>(::sysconf(_SC_PAGESIZE)));
  size_ = static_cast<size_t>(std::min<uint64_t>(size, end - begin)) + before_;
  address_ = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.get(), static_cast<off_t>(begin - before_));
  if (address_ == MAP_FAILED) fail_errno("read", path);
}

MappedFile::~MappedFile() {
  if (size_ > 0) ::munmap(address_, size_);
}

AtomicFile::AtomicFile(fs::path path) : path_(std::move(path)) {
  // Renaming onto a directory fails, but only after everything has been written.
  if (std::error_code ignored; fs::is_directory(path_, ignored)) {
    errno = EISDIR;
    fail_errno("write", path_);
  }
  if (is_device(path_)) {
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC);
  } else {
    remove_leftovers(path_);
    draft_ = temporary_name(path_);
    descriptor_ = ::open(draft_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  }
  if (descriptor_ < 0) fail_errno("write", path_);
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!draft_.empty() && !committed_) ::unlink(draft_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  write_all({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path_,
            [&](std::string_view rest) { return ::write(descriptor_, rest.data(), rest.size()); });
}

void AtomicFile::write_at(uint64_t offset, std::string_view text) {
  const char* const begin = text.data();
  write_all(text, path_, [&](std::string_view rest) {
    const auto place = static_cast<off_t>(offset) + (rest.data() - begin);
    return ::pwrite(descriptor_, rest.data(), rest.size(), place);
  });
}

size_t AtomicFile::read_at(uint64_t offset, char* out, size_t size) const {
  size_t have = 0;
  while (have < size) {
    const ssize_t count = ::pread(descriptor_, out + have, size - have, static_cast<off_t>(offset + have));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_errno("read", path_);
    if (count == 0) break;
    have += static_cast<size_t>(count);
  }
  return have;
}

uint64_t AtomicFile::size() const {
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0) fail_errno("read", path_);
  return static_cast<uint64_t>(status.st_size);
}

bool AtomicFile::repeats_old() const {
  if (draft_.empty() || !fs::exists(path_)) return false;
  const MappedFile old(path_), draft(draft_);
  return old.text() == draft.text();
}

// Closes a file of which all is on the disk.
void AtomicFile::close() {
  if (descriptor_ < 0) return;
  if (!draft_.empty() && ::fsync(descriptor_) != 0) fail_errno("flush", path_);
  if (::close(std::exchange(descriptor_, -1)) != 0) fail_errno("write", path_);
}

void AtomicFile::commit() {
  AtomicFile* const alone = this;
  commit_together({&alone, 1});
}

void commit_together(std::span<AtomicFile* const> files) {
  std::vector<Exchange> exchanges;
  for (AtomicFile* file : files) {
    file->close();
    if (!file->draft_.empty()) exchanges.emplace_back(file->draft_, file->path_);
  }
  try {
    if (exchanges.size() > 1)
      for (Exchange& exchange : exchanges) exchange.keep_old();
    for (size_t i = exchanges.size(); i-- > 1;) exchanges[i].take_name();
    for (Exchange& exchange : exchanges) exchange.give_name();
  } catch (const Error&) {
    for (Exchange& exchange : exchanges) exchange.undo();
    throw;
  }
  std::set<fs::path> folders;
  for (AtomicFile* file : files) {
    file->committed_ = true;
    if (!file->draft_.empty()) folders.insert(folder_of(file->path_));
  }
  for (const Exchange& exchange : exchanges) exchange.drop_old();
  // The new names are on the disk only when their folder is.
  for (const fs::path& folder : folders) flush_to_disk(folder);
}

void replace_file(const fs::path& path, std::string_view bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

void check_writable(const fs::path& path) {
  // Opening a pipe and closing it would end it for its reader.
  if (!is_device(path)) const AtomicFile dropped(path);
}

GrowingFile::GrowingFile(fs::path path)
    : path_(std::move(path)),
      descriptor_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666)) {
  if (descriptor_ < 0) fail_errno("write", path_);
}

GrowingFile::~GrowingFile() { ::close(descriptor_); }

void GrowingFile::write(std::string_view text) try {
  write_all(text, path_,
            [&](std::string_view rest) { return ::write(descriptor_, rest.data(), rest.size()); });
  size_ += text.size();
} catch (const Error&) {
  // Half a line would spoil what comes behind it. When it can't be cut off either, the first error tells more.
  [[maybe_unused]] const int cut = ::ftruncate(descriptor_, static_cast<off_t>(size_));
  throw;
}

void flush_to_disk(const fs::path& path) {
  const OpenFile file(path, "open", FileKind::regular);
  // Some file systems can't flush a directory and say so with EINVAL: there is nothing more to do there.
  if (::fsync(file.get()) != 0 && errno != EINVAL) fail_errno("flush", path);
}

}  // namespace gradus
