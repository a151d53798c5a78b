#include "nn/schedule.h"

#include <algorithm>
#include <cmath>

namespace gradus {

float Schedule::at(int64_t step) const {
  const auto s = static_cast<double>(step);
  const auto warmup = static_cast<double>(warmup_steps);
  const auto total = static_cast<double>(total_steps);
  const bool from_start = kind == Kind::from_start;
  if (step < warmup_steps) return static_cast<float>(learning_rate * ((from_start ? s : s + 1) / warmup));
  const double left =
      from_start ? 1 - std::min(s, total) / total : (total - s) / std::max(total - warmup, 1.0);
  return static_cast<float>((learning_rate - end_learning_rate) * std::pow(std::max(left, 0.0), power) +
                            end_learning_rate);
}

}  // namespace gradus
