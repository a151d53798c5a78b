// Which weights --calibrate leaves in float32: by scores that say what each costs.
#include <doctest/doctest.h>

#include <algorithm>
#include <limits>

#include "core/backend.h"
#include "nn/layers.h"
#include "tasks/model/calibration.h"

using namespace gradus;

namespace {

using Names = std::vector<std::string>;

// Five linear maps, and what each costs in 8 bits.
struct Costs {
  explicit Costs(std::vector<double> each) : costs(std::move(each)) {
    for (size_t i = 0; i < costs.size(); ++i)
      layers.emplace_back(Scope(parameters) / static_cast<int64_t>(i), 4, 4, 0.5F);
    parameters.allocate(find_backend("CPU"), Parameters::Use::evaluation, DType::float32);
    parameters.initialize_all(1);
  }
  Calibration calibrate() {
    return calibrate_int8(
        parameters,
        [this] {
          ++evaluations;
          CalibrationScore score{"accuracy", 90, 100};
          for (size_t i = 0; i < costs.size(); ++i) {
            if (!layers[i].weight.quantized()) continue;
            score.score -= costs[i];
            score.speed += 10;
          }
          return score;
        },
        nullptr);
  }
  Names in_float() const {
    Names names;
    for (size_t i = 0; i < layers.size(); ++i)
      if (!layers[i].weight.quantized()) names.push_back(std::to_string(i) + ".weight");
    return names;
  }

  std::vector<double> costs;
  int evaluations = 0;
  Parameters parameters;
  std::vector<Linear> layers;
};

}  // namespace

TEST_CASE("nothing stays in float32 where int8 costs no more than the tolerance") {
  Costs costs({0.03, 0.03, 0.03, 0.03, 0.03});
  const Calibration found = costs.calibrate();
  CHECK(found.keeps.empty());
  CHECK(costs.in_float().empty());
  CHECK(found.float32.score == 90);
  CHECK(found.int8.score == doctest::Approx(89.85));
  CHECK(found.int8.speed == 150);
  CHECK(costs.evaluations == 4);
}

TEST_CASE("the weights that cost most stay in float32, no more than it takes") {
  Costs costs({0.05, 2, 0.02, 0.03, 0.01});
  const Calibration found = costs.calibrate();
  CHECK(found.keeps == Names{"1.weight"});
  CHECK(costs.in_float() == found.keeps);
  CHECK(found.int8.score == doctest::Approx(89.89));
  CHECK(costs.evaluations == 4 + 5 + 1);

  Costs two({0.5, 2, 0.02, 0.03, 0.01});
  CHECK(two.calibrate().keeps == Names{"1.weight", "0.weight"});
  CHECK(two.in_float() == Names{"0.weight", "1.weight"});
}

TEST_CASE("where every weight costs too much all stay in float32, and a score that is no number is no gain") {
  Costs costs({1, 1, 1, 1, 1});
  CHECK(costs.calibrate().keeps.size() == 5);
  CHECK(costs.in_float().size() == 5);

  Costs broken({0, 0, std::numeric_limits<double>::quiet_NaN(), 0, 0});
  const Names keeps = broken.calibrate().keeps;
  CHECK(std::find(keeps.begin(), keeps.end(), "2.weight") != keeps.end());
}
