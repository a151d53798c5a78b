// A library to be loaded before a program (LD_PRELOAD), in which one of the program's output calls fails as on a full or
// broken disk. Counted are the calls that open a file for writing, write, flush, truncate, close, link and rename it, and
// make a folder, for files below one folder; of the calls that write to one file the first two.
//   GRADUS_FAIL_UNDER   that folder
//   GRADUS_FAIL_AT      the number of the call that fails, from 1; 0: none
//   GRADUS_FAIL_WITH    its errno
//   GRADUS_FAIL_COUNT   a file to write the number of calls to, when the program ends

// Programs call open64 and the like, others open: both names are defined here, and must not become one.
#undef _FILE_OFFSET_BITS

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

constexpr int most_descriptors = 4096;

struct Plan {
  const char* under = std::getenv("GRADUS_FAIL_UNDER");
  const char* count_file = std::getenv("GRADUS_FAIL_COUNT");
  long at = number("GRADUS_FAIL_AT");
  int reason = static_cast<int>(number("GRADUS_FAIL_WITH"));
  std::atomic<long> calls{0};
  std::array<std::atomic<bool>, most_descriptors> written{};  // descriptors of files below the folder
  std::array<std::atomic<int>, most_descriptors> writes{};    // to each of these

  static long number(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? 0 : std::atol(value);
  }

  ~Plan() {
    if (count_file == nullptr) return;
    std::array<char, 32> text{};
    const int length = std::snprintf(text.data(), text.size(), "%ld\n", calls.load());
    const long file = ::syscall(SYS_openat, AT_FDCWD, count_file, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (file >= 0) ::syscall(SYS_write, file, text.data(), length);
  }
};

Plan& plan() {
  static Plan plan;
  return plan;
}
// Made when the library is loaded, so that it is there until the program's own objects are gone.
[[maybe_unused]] const Plan& made_early = plan();

bool is_below(const char* path) {
  const char* under = plan().under;
  return under != nullptr && std::strncmp(path, under, std::strlen(under)) == 0;
}

bool is_written(int descriptor) {
  return descriptor >= 0 && descriptor < most_descriptors && plan().written[descriptor];
}

// Counts a call; true when it is the one that fails, with errno set.
bool fails() {
  if (++plan().calls != plan().at) return false;
  errno = plan().reason;
  return true;
}

// The same for a call that writes.
bool write_fails(int descriptor) {
  return is_written(descriptor) && ++plan().writes[descriptor] <= 2 && fails();
}

int open_at(int folder, const char* path, int flags, mode_t mode) {
  const bool writes = (flags & O_ACCMODE) != O_RDONLY && is_below(path);
  if (writes && fails()) return -1;
  const int descriptor = static_cast<int>(::syscall(SYS_openat, folder, path, flags, mode));
  if (descriptor >= 0 && descriptor < most_descriptors) {
    plan().written[descriptor] = is_below(path);
    plan().writes[descriptor] = 0;
  }
  return descriptor;
}

mode_t mode_of(int flags, va_list arguments) {
  const bool makes =
      (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;  // which has O_DIRECTORY's bit as well
  return makes ? va_arg(arguments, mode_t) : 0;
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return open_at(AT_FDCWD, path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return open_at(AT_FDCWD, path, flags, mode);
}

ssize_t write(int descriptor, const void* bytes, size_t size) {
  if (write_fails(descriptor)) return -1;
  return ::syscall(SYS_write, descriptor, bytes, size);
}

ssize_t pwrite(int descriptor, const void* bytes, size_t size, off_t offset) {
  if (write_fails(descriptor)) return -1;
  return ::syscall(SYS_pwrite64, descriptor, bytes, size, offset);
}

ssize_t pwrite64(int descriptor, const void* bytes, size_t size, off64_t offset) {
  return pwrite(descriptor, bytes, size, offset);
}

int fsync(int descriptor) {
  if (is_written(descriptor) && fails()) return -1;
  return 0;  // the disk need not spin for a test
}

int fdatasync(int descriptor) { return fsync(descriptor); }

int ftruncate(int descriptor, off_t size) noexcept {
  if (is_written(descriptor) && fails()) return -1;
  return static_cast<int>(::syscall(SYS_ftruncate, descriptor, size));
}

int ftruncate64(int descriptor, off64_t size) noexcept { return ftruncate(descriptor, size); }

int close(int descriptor) {
  const bool counted = is_written(descriptor);
  if (counted) plan().written[descriptor] = false;
  const int result = static_cast<int>(::syscall(SYS_close, descriptor));
  return counted && fails() ? -1 : result;
}

int rename(const char* from, const char* to) noexcept {
  if (is_below(to) && fails()) return -1;
  return static_cast<int>(::syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}

int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) noexcept {
  if (is_below(to) && fails()) return -1;
  return static_cast<int>(::syscall(SYS_renameat2, from_folder, from, to_folder, to, flags));
}

int link(const char* from, const char* to) noexcept {
  if (is_below(to) && fails()) return -1;
  return static_cast<int>(::syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0));
}

int mkdir(const char* path, mode_t mode) noexcept {
  if (is_below(path) && fails()) return -1;
  return static_cast<int>(::syscall(SYS_mkdirat, AT_FDCWD, path, mode));
}

}  // extern "C"
