// Normally distributed numbers for tests.
#pragma once

#include <cstdint>
#include <vector>

#include "core/random.h"

namespace gradus {

// The same for a seed and a purpose each time.
inline std::vector<float> normal_values(int64_t count, uint64_t seed, uint32_t purpose) {
  RandomSequence random(seed, purpose);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = random.normal();
  return values;
}

}  // namespace gradus
