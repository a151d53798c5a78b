#include "core/files.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "core/error.h"

namespace gradus {
namespace {

namespace fs = std::filesystem;

// A file open for reading that closes itself.
class OpenFile {
 public:
  OpenFile(const fs::path& path, std::string_view what) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (fd_ < 0) fail_errno(what, path);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() { ::close(fd_); }
  int get() const { return fd_; }

 private:
  int fd_;
};

bool is_device(const fs::path& path) {
  std::error_code ignored;
  return fs::is_character_file(path, ignored) || fs::is_fifo(path, ignored);
}

}  // namespace

void fail_errno(std::string_view what, const fs::path& path) {
  const std::string reason = std::generic_category().message(errno);
  fail("cannot {} '{}': {}", what, path.string(), reason);
}

std::string read_file(const fs::path& path, size_t most) {
  const OpenFile file(path, "read");
  std::string bytes;
  std::array<char, 1 << 16> chunk{};
  for (;;) {
    const ssize_t count = ::read(file.get(), chunk.data(), chunk.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_errno("read", path);
    if (count == 0) return bytes;
    bytes.append(chunk.data(), static_cast<size_t>(count));
    check(bytes.size() <= most, "{}: larger than {} bytes", path.string(), most);
  }
}

MappedFile::MappedFile(const fs::path& path) {
  const OpenFile file(path, "read");
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) fail_errno("read", path);
  if (S_ISDIR(status.st_mode)) {
    errno = EISDIR;
    fail_errno("read", path);
  }
  check(S_ISREG(status.st_mode), "cannot read '{}': not a regular file", path.string());
  size_ = static_cast<size_t>(status.st_size);
  if (size_ == 0) return;
  address_ = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.get(), 0);
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
    temporary_ = path_;
    temporary_ += fmt::format("{}{}", temporary_mark, ::getpid());
    descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  }
  if (descriptor_ < 0) fail_errno("write", path_);
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_errno("write", path_);
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
}

void AtomicFile::write_at(uint64_t offset, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::pwrite(descriptor_, text.data(), text.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_errno("write", path_);
    text.remove_prefix(static_cast<size_t>(written));
    offset += static_cast<uint64_t>(written);
  }
}

void AtomicFile::commit() {
  if (!temporary_.empty()) {
    if (::fsync(descriptor_) != 0) fail_errno("flush", path_);
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail_errno("replace", path_);
  }
  if (::close(std::exchange(descriptor_, -1)) != 0) fail_errno("write", path_);
  // The new name is on the disk only when its folder is.
  if (!temporary_.empty()) flush_to_disk(path_.has_parent_path() ? path_.parent_path() : ".");
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

void flush_to_disk(const fs::path& path) {
  const OpenFile file(path, "open");
  // Some file systems can't flush a directory and say so with EINVAL: there is nothing more to do there.
  if (::fsync(file.get()) != 0 && errno != EINVAL) fail_errno("flush", path);
}

}  // namespace gradus
