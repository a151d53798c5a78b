// What a run measured, as a JSON file for other programs to read.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tasks/metrics/scores.h"

namespace gradus {

struct RunMetrics {
  int64_t steps = 0;   // optimizer updates
  double seconds = 0;  // of training, evaluation left out
  double examples_per_second = 0;
  double tokens_per_second = 0;
  int64_t peak_rss_bytes = 0;
  std::optional<double> train_loss;      // mean of the last 20 steps; none without training
  std::map<std::string, double> scores;  // by name, "span_f1" for example: keys of their own in the file
  // Of a run that trained and scored: how the scores grew, "evaluations" in the file, {"step": 100, "span_f1": 81.2}, ...
  std::vector<EvaluationPoint> evaluations;
};

// The metrics as one JSON object; numbers that are infinite or not a number become null.
std::string to_json(const RunMetrics& metrics);
// Writes to_json() to a file, which holds the old or the new text at every moment. Throws Error.
void write_metrics_file(const std::string& path, const RunMetrics& metrics);

// The memory that this process has in RAM now, in bytes; 0 where /proc doesn't tell.
int64_t resident_bytes();
// The most memory this process has had in RAM so far, in bytes; 0 where /proc doesn't tell.
int64_t peak_rss_bytes();
// Seconds since this process, or another one, was started, to a hundredth; 0 where /proc doesn't tell.
double process_age_seconds();
double process_age_seconds(int64_t pid);
// The name of this machine.
std::string host_name();

}  // namespace gradus
