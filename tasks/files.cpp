#include "tasks/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "core/error.h"

namespace gradus {
namespace {

// A file descriptor that closes itself.
class Descriptor {
 public:
  Descriptor(const std::filesystem::path& path, int flags, std::string_view what)
      : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0666)) {
    if (fd_ < 0) fail_errno(what, path);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { ::close(fd_); }
  int get() const { return fd_; }

 private:
  int fd_;
};

void write_all(int fd, std::string_view bytes, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_errno("write", path);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
}

}  // namespace

void fail_errno(std::string_view what, const std::filesystem::path& path) {
  const std::string reason = std::generic_category().message(errno);
  fail("cannot {} '{}': {}", what, path.string(), reason);
}

std::string read_file(const std::filesystem::path& path) {
  const Descriptor file(path, O_RDONLY, "read");
  std::string bytes;
  std::array<char, 1 << 16> chunk{};
  for (;;) {
    const ssize_t count = ::read(file.get(), chunk.data(), chunk.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_errno("read", path);
    if (count == 0) return bytes;
    bytes.append(chunk.data(), static_cast<size_t>(count));
  }
}

void replace_file(const std::filesystem::path& path, std::string_view bytes) {
  std::error_code ignored;
  if (std::filesystem::is_character_file(path, ignored) || std::filesystem::is_fifo(path, ignored)) {
    const Descriptor device(path, O_WRONLY, "write");
    return write_all(device.get(), bytes, path);
  }
  std::filesystem::path temporary = path;
  temporary += fmt::format(".tmp-{}", ::getpid());
  try {
    {
      const Descriptor file(temporary, O_WRONLY | O_CREAT | O_TRUNC, "write");
      write_all(file.get(), bytes, temporary);
      if (::fsync(file.get()) != 0) fail_errno("flush", temporary);
    }
    if (::rename(temporary.c_str(), path.c_str()) != 0) fail_errno("replace", path);
  } catch (const Error&) {
    ::unlink(temporary.c_str());
    throw;
  }
  flush_to_disk(path.has_parent_path() ? path.parent_path() : ".");
}

void flush_to_disk(const std::filesystem::path& path) {
  const Descriptor file(path, O_RDONLY, "open");
  // Some file systems can't flush a directory and say so with EINVAL: there is nothing more to do there.
  if (::fsync(file.get()) != 0 && errno != EINVAL) fail_errno("flush", path);
}

}  // namespace gradus
