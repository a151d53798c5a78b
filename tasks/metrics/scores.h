// Named results of an evaluation.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace gradus {

// In the order they are printed: {"span_f1", 90.7}, ...
using Scores = std::vector<std::pair<std::string, double>>;

// What a model scored after some updates.
struct EvaluationPoint {
  int64_t step = 0;
  Scores scores;
};

}  // namespace gradus
