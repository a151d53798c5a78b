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
  // What the run was: enough to lay it beside others. Left out of the file where there is no program.
  std::string program;                          // "run_ner"
  std::string date;                             // when it was started, as start_date() has it
  std::string model;                            // what it began with, or scored
  std::map<std::string, std::string> settings;  // all options, by name

  int64_t steps = 0;   // optimizer updates
  double seconds = 0;  // of training, evaluation left out
  double examples_per_second = 0;
  double tokens_per_second = 0;
  int64_t peak_rss_bytes = 0;
  std::optional<double> train_loss;      // at the end (tasks/training/history.h); none without training
  std::map<std::string, double> scores;  // by name, "span_f1" for example: keys of their own in the file
  // Of a run that trained and scored: how the scores grew, "evaluations" in the file, {"step": 100, "span_f1": 81.2}, ...
  std::vector<EvaluationPoint> evaluations;
  // The loss over the steps, "training_loss" in the file: a point is the mean of so many steps, NaN where none of them has one.
  std::vector<double> losses;
  int64_t steps_per_loss = 1;
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
// When this process was started, to the second: "2026-05-31T09:30:00Z", which is UTC.
std::string start_date();
// "2026-05-31 09:30 UTC" of such a date; any other text as it is.
std::string shown_date(const std::string& date);
// The name of this machine.
std::string host_name();

}  // namespace gradus
