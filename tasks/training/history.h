// How a training run went, for its report: short however long the run is.
#pragma once

#include <cstdint>
#include <vector>

#include "tasks/metrics/scores.h"

namespace gradus {

// The losses of all steps, as means over equally many steps each: when there are too many points, neighbours become
// one.
class LossCurve {
 public:
  static constexpr size_t most_points = 1024;

  LossCurve() = default;
  // As saved: points() and steps_per_point(), and the sum of the losses after the last whole point.
  LossCurve(std::vector<double> points, int64_t steps_per_point, double rest, int64_t rest_steps);

  void add(double loss);

  const std::vector<double>& points() const { return points_; }
  int64_t steps_per_point() const { return steps_per_point_; }
  double rest() const { return rest_; }
  int64_t rest_steps() const { return rest_steps_; }  // fewer than a point's

 private:
  std::vector<double> points_;  // point i: the mean of the steps from i * steps_per_point_ on
  int64_t steps_per_point_ = 1;
  double rest_ = 0;
  int64_t rest_steps_ = 0;
};

struct EvaluationPoint {
  int64_t step = 0;
  Scores scores;
};

struct TrainHistory {
  LossCurve losses;
  std::vector<EvaluationPoint> evaluations;
};

}  // namespace gradus
