#include "backends/cpu/memory.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace gradus::cpu {
namespace {

constexpr size_t alignment = 64;
constexpr size_t huge_page = size_t{2} << 20;

size_t round_up(size_t bytes, size_t multiple) { return (bytes + multiple - 1) / multiple * multiple; }

// In a build for the address sanitizer every block ends in bytes that nobody may touch, and neither may anybody touch
// what is not allocated: within one mapping it would see no difference.
#if defined(__SANITIZE_ADDRESS__)
constexpr size_t guard = alignment;
void forbid(const void* data, size_t bytes) { ASAN_POISON_MEMORY_REGION(data, bytes); }
void permit(const void* data, size_t bytes) { ASAN_UNPOISON_MEMORY_REGION(data, bytes); }
#else
constexpr size_t guard = 0;
void forbid(const void*, size_t) {}
void permit(const void*, size_t) {}
#endif

// What a tensor of so many bytes takes, without the guard.
size_t block_bytes(size_t bytes) { return round_up(std::max<size_t>(bytes, 1), alignment); }

size_t physical_memory() {
  return static_cast<size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<size_t>(sysconf(_SC_PAGE_SIZE));
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

}  // namespace

Arena::Arena() : reserved_(round_up(physical_memory(), huge_page)), top_(guard), highest_top_(guard) {
  void* base =
      mmap(nullptr, reserved_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) fail_to_reserve(reserved_);
  base_ = static_cast<char*>(base);
  // Huge pages cost one fault instead of 512 and spare the address cache; where they are off this changes
  // nothing.
  madvise(base_, reserved_, MADV_HUGEPAGE);
  forbid(base_, guard);
}

Arena::~Arena() { munmap(base_, reserved_); }

Arena::Block Arena::allocate(size_t bytes) {
  const size_t counted = block_bytes(bytes), wanted = counted + guard;
  const std::lock_guard lock(mutex_);
  use_.current += counted;
  use_.peak = std::max(use_.peak, use_.current);
  if (const auto fit = free_by_size_.lower_bound({wanted, 0}); fit != free_by_size_.end()) {
    const auto [size, offset] = *fit;
    erase_free(free_by_offset_.find(offset));
    if (size > wanted) insert_free(offset + wanted, size - wanted);
    permit(base_ + offset, bytes);
    return {base_ + offset, bytes};
  }
  if (top_ + wanted > reserved_) {
    use_.current -= counted;
    fail("[memory] out of memory: {} bytes wanted, {} in use, the machine has {}", bytes, use_.current,
         reserved_);
  }
  char* data = base_ + top_;
  const size_t stale = std::min(bytes, highest_top_ - top_);
  top_ += wanted;
  highest_top_ = std::max(highest_top_, top_);
  forbid(data, wanted);
  permit(data, bytes);
  return {data, stale};
}

void Arena::deallocate(void* data, size_t bytes) noexcept {
  size_t size = block_bytes(bytes) + guard;
  size_t offset = static_cast<size_t>(static_cast<char*>(data) - base_);
  const std::lock_guard lock(mutex_);
  use_.current -= block_bytes(bytes);
  forbid(data, size);
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

void Arena::reset_peak() {
  const std::lock_guard lock(mutex_);
  use_.peak = use_.current;
}

}  // namespace gradus::cpu
