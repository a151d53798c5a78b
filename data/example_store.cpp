#include "data/example_store.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <iterator>
#include <system_error>
#include <utility>

#include "core/error.h"

namespace gradus {
namespace {

constexpr size_t block_size = size_t{1} << 18;  // numbers

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

NumberLists lists_of(std::span<const int32_t> numbers) {
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

}  // namespace

ExampleStore::ExampleStore(int64_t most_bytes, std::filesystem::path folder)
    : most_bytes_(most_bytes), folder_(std::move(folder)) {}

ExampleStore::ExampleStore(ExampleStore&& other) noexcept
    : most_bytes_(other.most_bytes_),
      folder_(std::move(other.folder_)),
      places_(std::move(other.places_)),
      blocks_(std::move(other.blocks_)),
      end_(other.end_),
      in_file_(other.in_file_),
      file_(std::exchange(other.file_, -1)) {}

ExampleStore::~ExampleStore() {
  if (file_ >= 0) ::close(file_);
}

void ExampleStore::add(std::span<const std::span<const int32_t>> lists) {
  size_t size = 1 + lists.size();
  for (const std::span<const int32_t> list : lists) size += list.size();
  if (blocks_.empty() || blocks_.back().numbers.capacity() - blocks_.back().numbers.size() < size) {
    const auto bytes = static_cast<int64_t>((end_ - in_file_ + std::max(size, block_size)) * sizeof(int32_t));
    if (file_ >= 0 || bytes > most_bytes_) spill();
    blocks_.push_back({end_, {}});
    blocks_.back().numbers.reserve(std::max(size, block_size));
  }
  std::vector<int32_t>& numbers = blocks_.back().numbers;
  places_.push_back(end_);
  numbers.push_back(static_cast<int32_t>(lists.size()));
  for (const std::span<const int32_t> list : lists) numbers.push_back(static_cast<int32_t>(list.size()));
  for (const std::span<const int32_t> list : lists) numbers.insert(numbers.end(), list.begin(), list.end());
  end_ += size;
}

void ExampleStore::finish() {
  if (static_cast<int64_t>((end_ - in_file_) * sizeof(int32_t)) > most_bytes_) spill();
}

// Moves what is in memory to the end of the file.
void ExampleStore::spill() {
  if (file_ < 0) {
    std::error_code none;
    if (!std::filesystem::is_directory(folder_, none)) {
      folder_ = std::filesystem::temp_directory_path(none);
      check(!none, "no folder for a file of training examples: {}", none.message());
    }
    file_ = open_nameless(folder_);
  }
  for (const Block& block : blocks_) write(block);
  blocks_.clear();
  in_file_ = end_;
}

void ExampleStore::write(const Block& block) {
  std::span<const std::byte> rest = std::as_bytes(std::span(block.numbers));
  uint64_t place = block.begin * sizeof(int32_t);
  while (!rest.empty()) {
    const ssize_t written = ::pwrite(file_, rest.data(), rest.size(), static_cast<off_t>(place));
    if (written < 0 && errno == EINTR) continue;
    check(written > 0, "cannot write training examples to a file in '{}': {}", folder_.string(),
          std::generic_category().message(errno));
    rest = rest.subspan(static_cast<size_t>(written));
    place += static_cast<uint64_t>(written);
  }
}

NumberLists ExampleStore::read(int64_t number) const {
  const auto n = static_cast<size_t>(number);
  const uint64_t begin = places_[n], end = n + 1 < places_.size() ? places_[n + 1] : end_;
  if (begin >= in_file_) {
    const auto after = std::ranges::upper_bound(blocks_, begin, {}, &Block::begin);
    const Block& block = *std::prev(after);
    return lists_of(std::span(block.numbers).subspan(begin - block.begin, end - begin));
  }
  std::vector<int32_t> numbers(end - begin);
  const std::span<std::byte> bytes = std::as_writable_bytes(std::span(numbers));
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t got = ::pread(file_, bytes.data() + done, bytes.size() - done,
                                static_cast<off_t>(begin * sizeof(int32_t) + done));
    if (got < 0 && errno == EINTR) continue;
    check(got > 0, "cannot read training examples back from a file in '{}': {}", folder_.string(),
          got < 0 ? std::generic_category().message(errno) : "it has become shorter");
    done += static_cast<size_t>(got);
  }
  return lists_of(numbers);
}

}  // namespace gradus
