// Which weights int8 leaves in float32.
#pragma once

#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "nn/parameters.h"

namespace gradus {

// What a model scores with its weights as they are, and how fast.
struct CalibrationScore {
  std::string name;  // of the score: "span_f1"
  double score = 0;  // in points of a hundred, more is better
  double speed = 0;  // examples a second
};

struct Calibration {
  CalibrationScore float32, int8;
  std::vector<std::string> keeps;  // the weights left in float32, in the order of what they cost
};

// A model may lose so much to int8, in points.
inline constexpr double int8_tolerance = 0.2;

// Scores the model of `parameters`, which are allocated for evaluation in float32, with all weights of products in 8 bits. Where it
// loses more than the tolerance, each is put back into float32 by itself, and then as many of those whose return gains most, in twos, fours and so on, as
// bring the loss within it. Leaves them so. Tells `log` what it finds.
Calibration calibrate_int8(const Parameters& parameters, const std::function<CalibrationScore()>& evaluate,
                           std::FILE* log);

}  // namespace gradus
