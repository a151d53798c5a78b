// Learning rates: the formulas of the schedules, and both ways to count the warm-up.
#include "nn/schedule.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numbers>

#include "core/error.h"
#include "core/joined.h"

using namespace gradus;

namespace {

constexpr double highest = 0.002, lowest = 0.0001;

Schedule schedule_of(const std::string& shape, Schedule::Warmup warmup, int64_t warmup_steps) {
  return {.warmup = warmup,
          .shape = shape,
          .learning_rate = highest,
          .end_learning_rate = lowest,
          .power = 3,
          .warmup_steps = warmup_steps,
          .total_steps = 50};
}

// What each shape leaves of the way from the highest rate to the lowest when `left` of the steps are to come.
double expected_factor(const std::string& shape, double left) {
  if (shape == "polynomial") return left * left * left;
  if (shape == "linear") return left;
  if (shape == "cosine") return 0.5 * (1 + std::cos(std::numbers::pi * (1 - left)));
  if (shape == "constant") return 1;
  FAIL("no formula for ", shape);
  return 0;
}

}  // namespace

TEST_CASE(
    "every schedule is its formula, with the decay counted from the end of the warm-up or from the start") {
  std::vector<std::string_view> names;
  for (const ScheduleRow& row : schedule_table()) {
    const std::string shape(row.name);
    CAPTURE(shape);
    names.push_back(row.name);
    const Schedule before = schedule_of(shape, Schedule::Warmup::before_decay, 10);
    const Schedule within = schedule_of(shape, Schedule::Warmup::within_decay, 10);
    for (int64_t step = 0; step < 60; ++step) {
      CAPTURE(step);
      const auto s = static_cast<double>(step);
      const auto decayed = [&](double left) {
        return lowest + (highest - lowest) * expected_factor(shape, std::max(left, 0.0));
      };
      const double expected_before = step < 10 ? highest * (s + 1) / 10 : decayed((50 - s) / 40);
      const double expected_within = step < 10 ? highest * s / 10 : decayed((50 - s) / 50);
      CHECK(before.at(step) == doctest::Approx(expected_before).epsilon(1e-6));
      CHECK(within.at(step) == doctest::Approx(expected_within).epsilon(1e-6));
    }
  }
  CHECK_THROWS_WITH_AS(
      find_schedule("triangle"),
      fmt::format("[schedule] none is named 'triangle': expected one of {}", joined(names, ", ")).c_str(),
      Error);
}

TEST_CASE("without a warm-up the first step has the highest rate, and the last one nearly the lowest") {
  for (const auto warmup : {Schedule::Warmup::before_decay, Schedule::Warmup::within_decay}) {
    const Schedule schedule = schedule_of("linear", warmup, 0);
    CHECK(schedule.at(0) == static_cast<float>(highest));
    CHECK(schedule.at(49) == doctest::Approx(lowest + (highest - lowest) / 50).epsilon(1e-6));
    CHECK(schedule.at(50) == static_cast<float>(lowest));
  }
}
