#include "tasks/metrics/finite_scores.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace gradus {

void check_finite_scores(std::span<const float> scores, const std::function<std::string()>& where) {
  if (std::ranges::all_of(scores, [](float x) { return std::isfinite(x); })) return;
  fail(
      "{}: the model gives an infinite number, or none: its training has diverged, or --compute_type is too "
      "coarse",
      where());
}

}  // namespace gradus
