#include "tasks/output_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <system_error>
#include <thread>
#include <utility>

#include "core/error.h"
#include "core/io/crc32c.h"
#include "core/io/files.h"
#include "tasks/log/log.h"
#include "tasks/log/metrics_file.h"

namespace gradus {
namespace {

namespace fs = std::filesystem;

constexpr const char* lock_name = ".gradus-lock";

// Empty for a device or a pipe, which takes what any number of processes write. The name of a file is no part of its
// lock's: whoever looks for data by the names of files would find the lock, too.
fs::path lock_file_of(const fs::path& output) {
  std::error_code ignored;
  const fs::file_status status = fs::status(output, ignored);
  if (fs::is_directory(status)) return output / lock_name;
  if (fs::is_other(status)) return {};
  return output.parent_path() / fmt::format("{}-{:08x}", lock_name, crc32c(output.filename().string()));
}

// "run_ner, process 4711 on host, since 2026-11-28 09:30:00 UTC"
std::string signature() {
  std::array<char, 32> since{};
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::strftime(since.data(), since.size(), "%F %T UTC", &parts);
  return fmt::format("{}, process {} on {}, since {}\n", program_invocation_short_name, ::getpid(),
                     host_name(), since.data());
}

// What the holder has written of itself, as far as it can be read and shown.
std::string holder(int descriptor) {
  std::string line;
  // One that has got the lock this very moment has not signed yet.
  for (int tries = 0; tries < 25 && !line.ends_with('\n'); ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    std::array<char, 256> text{};
    const ssize_t size = ::pread(descriptor, text.data(), text.size(), 0);
    line.assign(text.data(), static_cast<size_t>(std::max<ssize_t>(size, 0)));
  }
  if (line.ends_with('\n')) line.pop_back();
  const bool shows = !line.empty() && std::ranges::all_of(line, [](char c) { return c >= ' ' && c <= '~'; });
  return shows ? line : "a process that does not say its name";
}

}  // namespace

OutputLock::OutputLock(const fs::path& output) : path_(lock_file_of(output)) {
  while (!path_.empty() && open()) {
    int status = 0;
    do status = ::flock(descriptor_, LOCK_EX | LOCK_NB);
    while (status != 0 && errno == EINTR);
    if (status == 0 && is_in_place()) {
      sign();
      return;
    }
    const int error = status == 0 ? 0 : errno;
    const std::string who = error == EWOULDBLOCK ? holder(descriptor_) : "";
    ::close(std::exchange(descriptor_, -1));
    check(error != EWOULDBLOCK, "'{}': another run writes there: {}: wait for its end, or name another place",
          output.string(), who);
    if (error == 0) continue;  // the run that had it has removed the file meanwhile
    warning_ = fmt::format("'{}': no lock there ({}): a second run at the same time would not be noticed",
                           output.string(), std::generic_category().message(error));
    return;
  }
}

OutputLock::OutputLock(OutputLock&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      warning_(std::move(other.warning_)) {}

OutputLock::~OutputLock() {
  if (descriptor_ < 0) return;
  if (is_in_place()) ::unlink(path_.c_str());
  ::close(descriptor_);
}

// Opens the file, making it when it isn't there; false where that can't be.
bool OutputLock::open() {
  descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
  // Another user's file may be locked, too.
  if (descriptor_ < 0 && errno == EACCES)
    descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (descriptor_ < 0) {
    if (errno == EACCES || errno == EROFS || errno == ENOENT || errno == ENOTDIR) return false;
    fail_errno("lock", path_);
  }
  struct stat status {};
  const bool regular = ::fstat(descriptor_, &status) == 0 && S_ISREG(status.st_mode);
  if (!regular) ::close(std::exchange(descriptor_, -1));
  check(regular, "cannot lock '{}': not a regular file", path_.string());
  return true;
}

// Whether the open file is the one that has the name.
bool OutputLock::is_in_place() const {
  struct stat opened {
  }, named{};
  return ::fstat(descriptor_, &opened) == 0 && ::lstat(path_.c_str(), &named) == 0 &&
         opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

// Says whose the lock is. Where that can't be written, on a full disk for example, it holds all the same.
void OutputLock::sign() const {
  const std::string text = signature();
  if (::ftruncate(descriptor_, 0) != 0) return;
  [[maybe_unused]] const ssize_t written = ::pwrite(descriptor_, text.data(), text.size(), 0);
}

bool is_lock_file(const fs::path& path) { return path.filename().string().starts_with(lock_name); }

OutputFolder::OutputFolder(const fs::path& folder, std::FILE* log) {
  std::error_code ignored;  // making it tells more
  for (fs::path path = folder; !path.empty() && !fs::exists(path, ignored); path = path.parent_path())
    made_.folders.insert(made_.folders.begin(), path);
  make_folder(folder);
  lock_.emplace(folder);
  if (!lock_->warning().empty()) print_log(log, "warning: {}\n", lock_->warning());
}

OutputFolder::Made::~Made() {
  std::error_code ignored;  // one with something in it stays
  for (auto folder = folders.rbegin(); folder != folders.rend(); ++folder) fs::remove(*folder, ignored);
}

}  // namespace gradus
