#include "nn/schedule.h"

#include <algorithm>
#include <cmath>

namespace gradus {

float Schedule::at(int64_t step) const {
  const auto s = static_cast<double>(step);
  const auto warmup = static_cast<double>(warmup_steps);
  const auto total = static_cast<double>(total_steps);
  if (kind == Kind::linear) {
    const double factor =
        step < warmup_steps ? (s + 1) / warmup : (total - s) / std::max(total - warmup, 1.0);
    return static_cast<float>(learning_rate * std::max(factor, 0.0));
  }
  if (step < warmup_steps) return static_cast<float>(learning_rate * (s / warmup));
  const double left = 1 - std::min(s, total) / total;
  return static_cast<float>((learning_rate - end_learning_rate) * std::pow(left, power) + end_learning_rate);
}

}  // namespace gradus
