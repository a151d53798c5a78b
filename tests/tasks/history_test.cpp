#include "tasks/training/history.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "core/error.h"

using namespace gradus;

namespace {

StepCurve reread(const StepCurve& curve) {
  return {curve.points(), curve.steps_per_point(), curve.rest(), curve.rest_steps(), curve.rest_numbers()};
}

bool same(const StepCurve& a, const StepCurve& b) {
  return a.points() == b.points() && a.steps_per_point() == b.steps_per_point() && a.rest() == b.rest() &&
         a.rest_steps() == b.rest_steps();
}

}  // namespace

TEST_CASE("a curve has the means over equally many steps, however many there are") {
  StepCurve curve;
  constexpr auto most = static_cast<int64_t>(StepCurve::most_points);
  for (int64_t steps = 1; steps <= 9 * most; ++steps) {
    curve.add(steps - 1, static_cast<double>(steps));  // whole numbers: their sums and halves are exact
    if (steps > 10 && (steps + 3) % most > 6) continue;
    CAPTURE(steps);
    const int64_t width = curve.steps_per_point();
    const auto points = static_cast<int64_t>(curve.points().size());
    REQUIRE(points <= most);
    CHECK((width == 1 || points >= most / 2));
    REQUIRE(points * width + curve.rest_steps() == steps);
    for (int64_t i = 0; i < points; ++i) {
      // The mean of i * width + 1 to (i + 1) * width.
      REQUIRE(curve.points()[static_cast<size_t>(i)] == static_cast<double>(2 * i * width + width + 1) / 2);
    }
    double rest = 0;
    for (int64_t step = points * width + 1; step <= steps; ++step) rest += static_cast<double>(step);
    CHECK(curve.rest() == rest);
  }
  CHECK(curve.steps_per_point() == 16);
}

TEST_CASE("a curve that was saved goes on as if it had not been") {
  StepCurve whole, saved;
  for (int step = 0; step < 5000; ++step) {
    const double loss = 1.0 / (step + 1);
    whole.add(step, loss);
    saved.add(step, loss);
    saved = reread(saved);
  }
  CHECK(same(whole, saved));
}

TEST_CASE("steps without a number have no part in a curve's means") {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  StepCurve curve;
  curve.add(0, 1);
  curve.add(1, infinity);
  curve.add(4, 6);  // 2 and 3 are left out
  CHECK(curve.points().size() == 5);
  CHECK(std::isnan(curve.points()[1]));
  CHECK(std::isnan(curve.points()[3]));
  constexpr auto most = static_cast<int64_t>(StepCurve::most_points);
  curve.add(most - 1, infinity);
  curve.add(most, infinity);  // one too many
  REQUIRE(curve.steps_per_point() == 2);
  CHECK(curve.points()[0] == 1);
  CHECK(std::isnan(curve.points()[1]));
  CHECK(curve.points()[2] == 6);
  CHECK(curve.rest_steps() == 1);
  CHECK(curve.rest_numbers() == 0);
  curve.add(most + 1, 8);
  CHECK(curve.points().back() == 8);
}

TEST_CASE("a curve refuses what no curve has") {
  const std::vector<double> points{1, 2};
  CHECK(StepCurve(points, 4, 3, 3, 2).rest_steps() == 3);
  CHECK_THROWS_AS(StepCurve(points, 0, 0, 0, 0), Error);
  CHECK_THROWS_AS(StepCurve(points, 4, 0, 4, 0), Error);
  CHECK_THROWS_AS(StepCurve(points, 4, 0, -1, 0), Error);
  CHECK_THROWS_AS(StepCurve(points, 4, 3, 2, 3), Error);
  CHECK_THROWS_AS(StepCurve(points, 4, 3, 2, -1), Error);
  CHECK_THROWS_WITH_AS(StepCurve(std::vector<double>(1025), 1, 0, 0, 0),
                       "a curve of 1025 points of 1 steps, and 0 steps more, 0 with a number: expected at "
                       "most 1024 points, and "
                       "fewer steps than a point's",
                       Error);
}

TEST_CASE("the loss at the end is the mean of the last steps, and says of how many") {
  CHECK(final_loss({}) == 0);
  CHECK(final_loss({3}) == 3);
  CHECK(final_loss({1, 2, 6}) == 3);
  CHECK(final_loss_meaning(1) == "of the only step");
  CHECK(final_loss_meaning(2) == "mean of all 2 steps");
  CHECK(final_loss_meaning(final_loss_steps) == "mean of the last 20 steps");
}
