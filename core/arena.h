// A device's memory: one range of addresses from which tensors are cut and to which they return.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <utility>

#include "core/backend.h"

namespace gradus {

// Addresses with memory behind them, as far as it is wanted.
class AddressRange {
 public:
  virtual ~AddressRange() = default;

  virtual char* begin() const = 0;
  virtual size_t bytes() const = 0;  // of addresses
  // Has memory behind the first so many bytes; what was provided stays. Throws Error when there is not so much.
  virtual void provide(size_t bytes) = 0;
  // Whether memory is zero when it is first provided.
  virtual bool comes_clear() const = 0;
  // Whether the host reads and writes it: the address sanitizer then guards what is not allocated.
  virtual bool is_host_memory() const = 0;
};

// The addresses of the process, as many as the machine has memory; the system gives memory as they are first touched.
std::unique_ptr<AddressRange> host_memory();

// Best-fit allocation with merging of free neighbours. After the largest step nothing more is taken of the range. What is let go may be
// handed out at once: whoever computes on it does so in the order of the calls. Safe to call from several threads.
class Arena {
 public:
  // `is_guarded`: whether an address sanitizer may watch it; not where kernels go on using what was let go.
  explicit Arena(std::unique_ptr<AddressRange> range, bool is_guarded = true);
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // Blocks begin at multiples of this.
  static constexpr size_t alignment = 64;

  struct Block {
    void* data;
    size_t stale;  // so many bytes from its start may hold former values; the rest is zero
  };

  // Throws Error when the memory is exhausted.
  Block allocate(size_t bytes);
  void deallocate(void* data, size_t bytes) noexcept;
  // Whether the address is one of the range's.
  bool owns(const void* data) const;
  MemoryUse use() const;
  // Bytes of those that were provided which no tensor has.
  size_t spare() const;
  void reset_peak();

 private:
  void insert_free(size_t offset, size_t bytes);
  void erase_free(std::map<size_t, size_t>::iterator block);
  void forbid(size_t offset, size_t bytes) const;
  void permit(size_t offset, size_t bytes) const;

  const std::unique_ptr<AddressRange> range_;
  char* const base_;
  const size_t guard_;  // bytes behind every block that nobody may touch
  mutable std::mutex mutex_;
  size_t top_;                                        // everything from here on is unused
  size_t highest_top_;                                // and from here on was never used
  std::map<size_t, size_t> free_by_offset_;           // offset -> bytes
  std::set<std::pair<size_t, size_t>> free_by_size_;  // bytes, offset
  MemoryUse use_;
};

}  // namespace gradus
