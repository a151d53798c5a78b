#include "tasks/training/history.h"

#include <cmath>
#include <limits>
#include <numeric>

#include "core/counted.h"
#include "core/error.h"

namespace gradus {
namespace {

constexpr double no_number = std::numeric_limits<double>::quiet_NaN();

double mean(double a, double b) {
  if (std::isnan(a)) return b;
  return std::isnan(b) ? a : (a + b) / 2;
}

}  // namespace

double final_loss(const std::vector<double>& recent) {
  if (recent.empty()) return 0;
  return std::accumulate(recent.begin(), recent.end(), 0.0) / static_cast<double>(recent.size());
}

std::string final_loss_meaning(size_t steps) {
  if (steps == 1) return "of the only step";
  return fmt::format("mean of {} {}", steps < final_loss_steps ? "all" : "the last", counted(steps, "step"));
}

StepCurve::StepCurve(std::vector<double> points, int64_t steps_per_point, double rest, int64_t rest_steps,
                     int64_t rest_numbers)
    : points_(std::move(points)),
      steps_per_point_(steps_per_point),
      rest_(rest),
      rest_steps_(rest_steps),
      rest_numbers_(rest_numbers) {
  check(points_.size() <= most_points && steps_per_point >= 1 && rest_steps >= 0 &&
            rest_steps < steps_per_point && rest_numbers >= 0 && rest_numbers <= rest_steps,
        "a curve of {} points of {} steps, and {} steps more, {} with a number: expected at most {} points, "
        "and fewer steps than a point's",
        points_.size(), steps_per_point, rest_steps, rest_numbers, most_points);
}

void StepCurve::add(int64_t step, double value) {
  while (steps() < step) add(no_number);
  add(value);
}

void StepCurve::add(double value) {
  if (std::isfinite(value)) {
    rest_ += value;
    ++rest_numbers_;
  }
  if (++rest_steps_ < steps_per_point_) return;
  points_.push_back(rest_numbers_ > 0 ? rest_ / static_cast<double>(rest_numbers_) : no_number);
  rest_ = 0;
  rest_steps_ = rest_numbers_ = 0;
  if (points_.size() <= most_points) return;
  // The last point has no neighbour: its steps begin the next one.
  const double last = points_.back();
  points_.pop_back();
  rest_steps_ = steps_per_point_;
  if (!std::isnan(last)) {
    rest_ = last * static_cast<double>(steps_per_point_);
    rest_numbers_ = steps_per_point_;
  }
  for (size_t i = 0; i < points_.size() / 2; ++i) points_[i] = mean(points_[2 * i], points_[2 * i + 1]);
  points_.resize(points_.size() / 2);
  steps_per_point_ *= 2;
}

}  // namespace gradus
