// Shapes of files in messages.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>

#include "core/joined.h"

namespace gradus {

// "[2, 3]". Of a damaged file's shape only the first extents are named, and how many there are.
inline std::string shape_text(std::span<const int64_t> shape) {
  constexpr size_t most = 8;
  const auto first = shape.first(std::min(shape.size(), most));
  return shape.size() > most ? fmt::format("[{}, ... {} in all]", joined(first, ", "), shape.size())
                             : fmt::format("[{}]", joined(first, ", "));
}

}  // namespace gradus
