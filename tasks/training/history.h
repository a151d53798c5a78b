// How a training run went, for its report: short however long the run is.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tasks/metrics/scores.h"

namespace gradus {

// The loss at the end of a training, wherever it is told, in the log, the metrics file and on pages: the mean of the last so many
// steps that have a loss, or of all where there are fewer. That of one step leaps from batch to batch.
constexpr size_t final_loss_steps = 20;
// `recent`: the losses of these steps; 0 of none.
double final_loss(const std::vector<double>& recent);
// "mean of the last 20 steps"; of a training of fewer: "mean of all 3 steps".
std::string final_loss_meaning(size_t steps);

// A number of each step, as means over equally many steps each: when there are too many points, neighbours become one. A
// step may have no number: then its point is the mean of the others, or NaN.
class StepCurve {
 public:
  static constexpr size_t most_points = 1024;

  StepCurve() = default;
  // As saved: points() and steps_per_point(), the sum of the numbers after the last whole point, the steps there, and how
  // many of them have a number.
  StepCurve(std::vector<double> points, int64_t steps_per_point, double rest, int64_t rest_steps,
            int64_t rest_numbers);

  // Step `step` from 0; those that were left out before it have no number, nor has one whose value is not finite.
  void add(int64_t step, double value);

  const std::vector<double>& points() const { return points_; }
  int64_t steps_per_point() const { return steps_per_point_; }
  double rest() const { return rest_; }
  int64_t rest_steps() const { return rest_steps_; }  // fewer than a point's
  int64_t rest_numbers() const { return rest_numbers_; }

 private:
  int64_t steps() const { return std::ssize(points_) * steps_per_point_ + rest_steps_; }
  void add(double value);

  std::vector<double> points_;  // point i: the mean of the steps from i * steps_per_point_ on
  int64_t steps_per_point_ = 1;
  double rest_ = 0;
  int64_t rest_steps_ = 0, rest_numbers_ = 0;
};

struct TrainHistory {
  StepCurve losses;
  StepCurve learning_rates, gradient_norms;  // a run that was resumed may know them from some step on only
  StepCurve loss_scales;                     // empty without --enable_lossscale
  std::vector<EvaluationPoint> evaluations;
};

}  // namespace gradus
