// A checksum of lists of numbers, which examples are.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

#include "core/io/crc32c.h"

namespace gradus {

class NumbersChecksum {
 public:
  using Numbers = std::initializer_list<std::span<const int32_t>>;

  void add(Numbers lists) {
    for (const std::span<const int32_t> list : lists)
      value_ = crc32c({reinterpret_cast<const char*>(list.data()), list.size_bytes()}, value_);
  }
  // Of all that was added; 0 where that is nothing.
  uint32_t value() const { return value_; }

 private:
  uint32_t value_ = 0;
};

}  // namespace gradus
