#include "core/random.h"

#include <cmath>
#include <numbers>

namespace gradus {

float RandomSequence::normal() {
  const double u = (static_cast<double>(next_u32()) + 1.0) * 0x1p-32;  // in (0, 1]: the logarithm is finite
  const double angle = 2 * std::numbers::pi * static_cast<double>(next_u32()) * 0x1p-32;
  return static_cast<float>(std::sqrt(-2 * std::log(u)) * std::cos(angle));
}

}  // namespace gradus
