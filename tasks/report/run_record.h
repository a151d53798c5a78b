// What is known of a run when it is over, from the file that --metrics_file wrote or from the state in its checkpoint: to be laid
// beside other runs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tasks/metrics/scores.h"
#include "tasks/report/chart.h"

namespace gradus {

constexpr const char* train_loss_name = "train_loss";

struct RunRecord {
  std::string name;                             // on pages
  std::string program, date, model;             // empty: the file doesn't tell
  std::map<std::string, std::string> settings;  // of a checkpoint those alone that its state keeps
  int64_t steps = 0;
  // How it ended: what its evaluations scored, in their order, then what the best of them has of the first of these ("best_span_f1"),
  // then train_loss; NaN where a score was not finite.
  Scores scores;
  // Of a run that stands for several: the sample standard deviations of these.
  std::map<std::string, double> deviations;
  std::vector<EvaluationPoint> evaluations;
  std::vector<ChartPoint> losses;  // over the steps
};

// Reads a file of --metrics_file, of a run or of --seeds, or a checkpoint's trainer_state.json. Throws Error naming the file where it
// is neither.
RunRecord read_run(const std::filesystem::path& path);

// The scores of that name which are finite.
std::vector<double> values_of(const std::vector<RunRecord>& runs, const std::string& score);

// The names of the scores of all runs, each once, train_loss last.
std::vector<std::string> score_names(const std::vector<RunRecord>& runs);

// The mean, and the sample standard deviation: the root of the squared distances from the mean, added up and divided by one less than
// there are values. None of fewer than one and two values.
std::optional<double> mean_of(const std::vector<double>& values);
std::optional<double> deviation_of(const std::vector<double>& values);

// The runs as one: means and deviations of their scores, and means of the evaluations at the steps at which all were scored. Its
// settings are those of the first; `runs` has one at least.
RunRecord mean_run(const std::vector<RunRecord>& runs, const std::string& name);

// "90.25", "0.4312" of a loss, "–" of NaN.
std::string score_text(const std::string& name, double value);
// The same of a run's score, with its deviation if it has one: "90.25 ± 0.31"; a dash where it has no such score.
std::string score_text(const RunRecord& run, const std::string& name);

}  // namespace gradus
