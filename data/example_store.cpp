#include "data/example_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>

#include "core/error.h"

namespace gradus {
namespace {

constexpr size_t written_at_a_time = size_t{1} << 18;  // numbers

// A file without a name.
int open_nameless(const std::filesystem::path& folder) {
  const int file = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (file >= 0) return file;
  // Some file systems can't: there it has a name for a moment.
  std::string name = (folder / ".examples-XXXXXX").string();
  const int named = ::mkstemp(name.data());
  check(named >= 0, "cannot make a file for training examples in '{}': {}", folder.string(),
        std::generic_category().message(errno));
  ::unlink(name.c_str());
  return named;
}

}  // namespace

ExampleStore::ExampleStore(int64_t most_bytes, std::filesystem::path folder)
    : most_bytes_(most_bytes), folder_(std::move(folder)) {
  if (!std::filesystem::is_directory(folder_)) folder_ = std::filesystem::temp_directory_path();
}

ExampleStore::ExampleStore(ExampleStore&& other) noexcept
    : most_bytes_(other.most_bytes_),
      folder_(std::move(other.folder_)),
      places_(std::move(other.places_)),
      memory_(std::move(other.memory_)),
      in_file_(other.in_file_),
      file_(std::exchange(other.file_, -1)) {}

ExampleStore::~ExampleStore() {
  if (file_ >= 0) ::close(file_);
}

void ExampleStore::add(std::span<const std::span<const int32_t>> lists) {
  places_.push_back(in_file_ + memory_.size());
  memory_.push_back(static_cast<int32_t>(lists.size()));
  for (const std::span<const int32_t> list : lists) memory_.push_back(static_cast<int32_t>(list.size()));
  for (const std::span<const int32_t> list : lists) memory_.insert(memory_.end(), list.begin(), list.end());
  const bool too_many = static_cast<int64_t>(memory_.size()) * 4 > most_bytes_;
  if (file_ < 0 ? too_many : memory_.size() >= written_at_a_time) spill();
}

// Moves what is in memory to the end of the file.
void ExampleStore::spill() {
  if (file_ < 0) file_ = open_nameless(folder_);
  std::span<const std::byte> rest = std::as_bytes(std::span(memory_));
  uint64_t place = in_file_ * 4;
  while (!rest.empty()) {
    const ssize_t written = ::pwrite(file_, rest.data(), rest.size(), static_cast<off_t>(place));
    if (written < 0 && errno == EINTR) continue;
    check(written > 0, "cannot write training examples to a file in '{}': {}", folder_.string(),
          std::generic_category().message(errno));
    rest = rest.subspan(static_cast<size_t>(written));
    place += static_cast<uint64_t>(written);
  }
  in_file_ += memory_.size();
  memory_.clear();
  memory_.shrink_to_fit();
}

NumberLists ExampleStore::read(int64_t number) const {
  const auto n = static_cast<size_t>(number);
  const uint64_t begin = places_[n],
                 end = n + 1 < places_.size() ? places_[n + 1] : in_file_ + memory_.size();
  std::vector<int32_t> from_file;
  std::span<const int32_t> numbers;
  if (begin >= in_file_) {
    numbers = std::span(memory_).subspan(begin - in_file_, end - begin);
  } else {
    from_file.resize(end - begin);
    const std::span<std::byte> bytes = std::as_writable_bytes(std::span(from_file));
    for (size_t done = 0; done < bytes.size();) {
      const ssize_t got =
          ::pread(file_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(begin * 4 + done));
      if (got < 0 && errno == EINTR) continue;
      check(got > 0, "cannot read training examples back from a file in '{}': {}", folder_.string(),
            got < 0 ? std::generic_category().message(errno) : "it has become shorter");
      done += static_cast<size_t>(got);
    }
    numbers = from_file;
  }
  const auto count = static_cast<size_t>(numbers[0]);
  NumberLists lists(count);
  size_t at = 1 + count;
  for (size_t i = 0; i < count; ++i) {
    const std::span<const int32_t> list = numbers.subspan(at, static_cast<size_t>(numbers[1 + i]));
    lists[i].assign(list.begin(), list.end());
    at += list.size();
  }
  return lists;
}

}  // namespace gradus
