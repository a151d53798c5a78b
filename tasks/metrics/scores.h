// Named results of an evaluation.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace gradus {

// In the order they are printed: {"span_f1", 90.7}, ...
using Scores = std::vector<std::pair<std::string, double>>;

}  // namespace gradus
