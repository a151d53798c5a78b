// The step memory: one address range from which tensors are cut and to which they return.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "core/backend.h"

namespace gradus::cpu {

// Best-fit allocation with merging of free neighbours, over address space that is reserved once and gets
// memory from the operating system as it is first touched. After the largest step nothing is taken from the
// system.
class Arena {
 public:
  Arena();
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  struct Block {
    void* data;    // 64-byte aligned
    size_t stale;  // so many bytes from its start may hold former values; the rest was never used and is zero
  };

  // Throws Error when the machine's memory is exhausted.
  Block allocate(size_t bytes);
  void deallocate(void* data, size_t bytes) noexcept;
  MemoryUse use() const;
  void reset_peak();

 private:
  void insert_free(size_t offset, size_t bytes);
  void erase_free(std::map<size_t, size_t>::iterator block);

  mutable std::mutex mutex_;
  char* base_ = nullptr;
  size_t reserved_ = 0;
  size_t top_ = 0;                                    // everything from here on is unused
  size_t highest_top_ = 0;                            // and from here on was never used
  std::map<size_t, size_t> free_by_offset_;           // offset -> bytes
  std::set<std::pair<size_t, size_t>> free_by_size_;  // bytes, offset
  MemoryUse use_;
};

}  // namespace gradus::cpu
