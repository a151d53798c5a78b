// The part of a report that is the same for all programs: what a run worked on and took, its curves, its
// settings.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/backend.h"
#include "tasks/metrics/conlleval.h"
#include "tasks/options/fine_tune_options.h"
#include "tasks/report/report.h"
#include "tasks/training/trainer.h"

namespace gradus {

constexpr size_t most_report_errors = 30;

// A run, and what is known of it in the end.
struct FinishedRun {
  const Options& flags;
  const FineTuneOptions& options;
  Backend& backend;
  const char* noun;                          // what the examples are called: "sentences"
  std::string training_data = {};            // what they were: "3250 sentences, 81004 pieces"
  std::optional<TrainResult> training = {};  // none of a run that only scored
};

// How a score is shown.
struct ScoreName {
  std::string_view score;        // what Scores calls it: "span_f1"
  std::string_view name;         // "F1"
  std::string_view explanation;  // a few words
  std::string_view unit = "%";
};

// An evaluation of the model that a run ended with.
struct ScoredData {
  std::string path;
  std::string description;  // "408 examples, 21593 pieces"
  double per_second = 0;    // examples
  const Scores& scores;
  std::span<const ScoreName> names;  // of the scores to show; "loss" needs none
};

// The model that a run began with, or scored: its path, or "from scratch" with its size.
std::string model_of(const FineTuneOptions& options);

// A report with everything but tables, confusion matrix and errors. `task` begins its title; `scored` may be
// null.
Report run_report(const FinishedRun& run, const std::string& task, const ScoredData* scored);

// What became of each label: precision, recall, F1 and the counts they come from. `label` is the first
// column's name.
ReportTable counts_table(const std::string& heading, const std::string& label,
                         const std::vector<std::pair<std::string, SpanCounts>>& rows);
std::vector<std::pair<std::string, SpanCounts>> counts_of(const ConfusionMatrix& confusion,
                                                          const std::vector<std::string>& labels);

// "dev.txt:12" of "data/dev.txt:12".
std::string without_folder(const std::string& place);

}  // namespace gradus
