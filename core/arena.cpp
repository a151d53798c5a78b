#include "core/arena.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>

namespace gradus {
namespace {

constexpr size_t huge_page = size_t{2} << 20;

size_t round_up(size_t bytes, size_t multiple) { return (bytes + multiple - 1) / multiple * multiple; }

// What a tensor of so many bytes takes, without the guard.
size_t block_bytes(size_t bytes) { return round_up(std::max<size_t>(bytes, 1), Arena::alignment); }

// In a build for the address sanitizer every block of host memory ends in bytes that nobody may touch, and neither may anybody touch
// what is not allocated: within one mapping it would see no difference.
size_t guard_of(const AddressRange& range) {
#if defined(__SANITIZE_ADDRESS__)
  return range.is_host_memory() ? Arena::alignment : 0;
#else
  static_cast<void>(range);
  return 0;
#endif
}

[[noreturn]] void fail_to_reserve(size_t bytes) {
  const char* reason = std::strerror(errno);
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
    fail(
        "[memory] cannot reserve {} bytes of address space, the machine's memory: the limit of this process "
        "is {} "
        "(ulimit -v). Limit the memory otherwise: what is reserved is not used yet",
        bytes, limit.rlim_cur);
  fail("[memory] cannot reserve {} bytes of address space: {}", bytes, reason);
}

class HostMemory final : public AddressRange {
 public:
  HostMemory() {
    const size_t physical =
        static_cast<size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<size_t>(sysconf(_SC_PAGE_SIZE));
    bytes_ = round_up(physical, huge_page);
    begin_ =
        mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (begin_ == MAP_FAILED) fail_to_reserve(bytes_);
    // Huge pages cost one fault instead of 512 and spare the address cache; where they are off this changes
    // nothing.
    madvise(begin_, bytes_, MADV_HUGEPAGE);
  }
  ~HostMemory() override { munmap(begin_, bytes_); }
  HostMemory(const HostMemory&) = delete;
  HostMemory& operator=(const HostMemory&) = delete;

  char* begin() const override { return static_cast<char*>(begin_); }
  size_t bytes() const override { return bytes_; }
  void provide(size_t bytes) override {
    check(bytes <= bytes_, "the machine has {}", bytes_);  // the system says no later, when it is touched
  }
  bool comes_clear() const override { return true; }
  bool is_host_memory() const override { return true; }

 private:
  void* begin_;
  size_t bytes_;
};

}  // namespace

std::unique_ptr<AddressRange> host_memory() { return std::make_unique<HostMemory>(); }

Arena::Arena(std::unique_ptr<AddressRange> range, bool is_guarded)
    : range_(std::move(range)),
      base_(range_->begin()),
      guard_(is_guarded ? guard_of(*range_) : 0),
      top_(guard_),
      highest_top_(guard_) {
  forbid(0, guard_);
}

Arena::~Arena() = default;

void Arena::forbid(size_t offset, size_t bytes) const {
#if defined(__SANITIZE_ADDRESS__)
  if (guard_ > 0) ASAN_POISON_MEMORY_REGION(base_ + offset, bytes);
#else
  static_cast<void>(offset), static_cast<void>(bytes);
#endif
}

void Arena::permit(size_t offset, size_t bytes) const {
#if defined(__SANITIZE_ADDRESS__)
  if (guard_ > 0) ASAN_UNPOISON_MEMORY_REGION(base_ + offset, bytes);
#else
  static_cast<void>(offset), static_cast<void>(bytes);
#endif
}

Arena::Block Arena::allocate(size_t bytes) {
  const size_t counted = block_bytes(bytes), wanted = counted + guard_;
  const std::lock_guard lock(mutex_);
  const auto take = [&](size_t offset, size_t stale) -> Block {
    use_.current += counted;
    use_.peak = std::max(use_.peak, use_.current);
    forbid(offset, wanted);
    permit(offset, bytes);
    return {base_ + offset, stale};
  };
  if (const auto fit = free_by_size_.lower_bound({wanted, 0}); fit != free_by_size_.end()) {
    const auto [size, offset] = *fit;
    erase_free(free_by_offset_.find(offset));
    if (size > wanted) insert_free(offset + wanted, size - wanted);
    return take(offset, bytes);
  }
  if (top_ + wanted > highest_top_) {
    try {
      range_->provide(top_ + wanted);
    } catch (const Error& e) {
      fail("[memory] out of memory: {} bytes wanted, {} in use, {}", bytes, use_.current, e.what());
    }
  }
  const size_t offset = top_, stale = range_->comes_clear() ? std::min(bytes, highest_top_ - top_) : bytes;
  top_ += wanted;
  highest_top_ = std::max(highest_top_, top_);
  return take(offset, stale);
}

void Arena::deallocate(void* data, size_t bytes) noexcept {
  size_t size = block_bytes(bytes) + guard_;
  size_t offset = static_cast<size_t>(static_cast<char*>(data) - base_);
  const std::lock_guard lock(mutex_);
  use_.current -= block_bytes(bytes);
  forbid(offset, size);
  auto next = free_by_offset_.lower_bound(offset);
  if (next != free_by_offset_.begin()) {
    if (const auto before = std::prev(next); before->first + before->second == offset) {
      offset = before->first;
      size += before->second;
      erase_free(before);
    }
  }
  if (next != free_by_offset_.end() && next->first == offset + size) {
    size += next->second;
    erase_free(next);
  }
  if (offset + size == top_) top_ = offset;  // the last block melts into the unused rest
  else insert_free(offset, size);
}

bool Arena::owns(const void* data) const {
  const auto address = reinterpret_cast<uintptr_t>(data), begin = reinterpret_cast<uintptr_t>(base_);
  return address >= begin && address - begin < range_->bytes();
}

void Arena::insert_free(size_t offset, size_t bytes) {
  free_by_offset_.emplace(offset, bytes);
  free_by_size_.emplace(bytes, offset);
}

void Arena::erase_free(std::map<size_t, size_t>::iterator block) {
  free_by_size_.erase({block->second, block->first});
  free_by_offset_.erase(block);
}

MemoryUse Arena::use() const {
  const std::lock_guard lock(mutex_);
  return use_;
}

size_t Arena::spare() const {
  const std::lock_guard lock(mutex_);
  return highest_top_ - use_.current;
}

void Arena::reset_peak() {
  const std::lock_guard lock(mutex_);
  use_.peak = use_.current;
}

}  // namespace gradus
