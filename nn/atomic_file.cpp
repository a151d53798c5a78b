#include "nn/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

#include "core/error.h"

namespace gradus {

AtomicFile::AtomicFile(std::string path) : path_(std::move(path)), partial_path_(path_ + ".partial") {
  // Renaming onto a directory fails, but only after everything has been written.
  if (std::error_code ignored; std::filesystem::is_directory(path_, ignored)) fail_with_reason(EISDIR);
  descriptor_ = open(partial_path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail_with_reason(errno);
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  close(descriptor_);
  unlink(partial_path_.c_str());
}

void AtomicFile::fail_with_reason(int error_number) const {
  fail("cannot write '{}': {}", path_, std::strerror(error_number));
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_with_reason(errno);
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
}

void AtomicFile::commit() {
  if (fsync(descriptor_) != 0) fail_with_reason(errno);
  if (std::rename(partial_path_.c_str(), path_.c_str()) != 0) fail_with_reason(errno);
  const int closed = close(std::exchange(descriptor_, -1));
  if (closed != 0) fail_with_reason(errno);
  // The new name is on the disk only when its directory is.
  const std::string parent = std::filesystem::path(path_).parent_path().string();
  const int directory = open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) fail_with_reason(errno);
  const int synced = fsync(directory);
  const int reason = errno;
  close(directory);
  if (synced != 0) fail_with_reason(reason);
}

}  // namespace gradus
