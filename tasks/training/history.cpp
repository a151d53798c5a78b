#include "tasks/training/history.h"

#include "core/error.h"

namespace gradus {

LossCurve::LossCurve(std::vector<double> points, int64_t steps_per_point, double rest, int64_t rest_steps)
    : points_(std::move(points)), steps_per_point_(steps_per_point), rest_(rest), rest_steps_(rest_steps) {
  check(
      points_.size() <= most_points && steps_per_point >= 1 && rest_steps >= 0 &&
          rest_steps < steps_per_point,
      "a loss curve of {} points of {} steps, and {} steps more: expected at most {} points, and fewer steps "
      "than a point's",
      points_.size(), steps_per_point, rest_steps, most_points);
}

void LossCurve::add(double loss) {
  rest_ += loss;
  if (++rest_steps_ < steps_per_point_) return;
  points_.push_back(rest_ / static_cast<double>(rest_steps_));
  rest_ = 0;
  rest_steps_ = 0;
  if (points_.size() <= most_points) return;
  // The last point has no neighbour: its steps begin the next one.
  rest_ = points_.back() * static_cast<double>(steps_per_point_);
  rest_steps_ = steps_per_point_;
  points_.pop_back();
  for (size_t i = 0; i < points_.size() / 2; ++i) points_[i] = (points_[2 * i] + points_[2 * i + 1]) / 2;
  points_.resize(points_.size() / 2);
  steps_per_point_ *= 2;
}

}  // namespace gradus
