#include "tasks/model/calibration.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "core/joined.h"
#include "tasks/log/log.h"
#include "tasks/log/progress.h"

namespace gradus {
namespace {

// The weights by what their return to float32 gains, the most first.
std::vector<std::string> by_gain(const Parameters& parameters, const std::vector<std::string>& weights,
                                 const std::function<CalibrationScore()>& evaluate, std::FILE* log) {
  std::vector<std::pair<double, std::string>> scores;
  Progress progress("calibrate", std::ssize(weights), 1, stderr, log);
  for (const std::string& weight : weights) {
    parameters.try_int8(weight, false);
    const double score = evaluate().score;
    scores.emplace_back(std::isfinite(score) ? score : -std::numeric_limits<double>::infinity(), weight);
    parameters.try_int8(weight, true);
    progress.update(std::ssize(scores), std::numeric_limits<double>::quiet_NaN(), 0);
  }
  std::stable_sort(scores.begin(), scores.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<std::string> names;
  for (auto& [score, name] : scores) names.push_back(std::move(name));
  return names;
}

std::string text(const CalibrationScore& score) {
  return fmt::format("{} {:.2f}, {:.1f} examples/s", score.name, score.score, score.speed);
}

}  // namespace

Calibration calibrate_int8(const Parameters& parameters, const std::function<CalibrationScore()>& evaluate,
                           std::FILE* log) {
  const std::vector<std::string> weights = parameters.quantizable();
  evaluate();  // whatever is made once is made now, so that the next is as fast as all
  Calibration found;
  found.float32 = evaluate();
  print_log(log, "calibrate: fp32: {}\n", text(found.float32));
  for (const std::string& weight : weights) parameters.try_int8(weight, true);
  evaluate();
  found.int8 = evaluate();
  print_log(log, "calibrate: int8, all {} weights of products in 8 bits: {}\n", weights.size(),
            text(found.int8));
  const auto loses = [&] { return found.float32.score - found.int8.score; };
  if (!(loses() <= int8_tolerance)) {
    const std::vector<std::string> order = by_gain(parameters, weights, evaluate, log);
    for (size_t count = 1; !(loses() <= int8_tolerance) && found.keeps.size() < order.size(); count *= 2) {
      while (found.keeps.size() < std::min(count, order.size())) {
        found.keeps.push_back(order[found.keeps.size()]);
        parameters.try_int8(found.keeps.back(), false);
      }
      found.int8 = evaluate();
      print_log(log, "calibrate: int8, {} of {} weights in float32: {}\n", found.keeps.size(), order.size(),
                text(found.int8));
    }
  }
  print_log(log, "calibrate: chosen: {:.2f} points lost, {:.2f} times as fast as fp32; in float32 stay: {}\n",
            loses(), found.int8.speed / found.float32.speed,
            found.keeps.empty() ? "none" : joined(found.keeps, ", ").str());
  return found;
}

}  // namespace gradus
