// What a run gave, as a page to look at: one HTML file that needs no network, no script and no other file, to
// keep beside the checkpoint or to send to someone. Every section explains itself to a reader who meets its
// terms for the first time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tasks/metrics/classification_scores.h"
#include "tasks/report/svg_chart.h"

namespace gradus {

struct ReportScore {
  std::string name;  // "F1"
  double value = 0;  // NaN is shown as a dash
  int decimals = 2;
  std::string unit = {};         // "%"
  std::string explanation = {};  // what it means, in a few words
};

struct ReportFact {
  std::string name;   // "peak memory"
  std::string value;  // "512 MiB"
};

struct ReportSetting {
  std::string name;
  std::string value;
  std::string origin;  // as Option::origin(): "default", or what has set it
};

// Points over the step. Those that are not finite are not drawn, and the page tells how many.
struct ReportCurve {
  std::string name;
  std::vector<ChartPoint> points;
};

struct ReportTable {
  std::string heading;
  std::string explanation;  // a sentence under the heading; may be empty
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;  // a column of numbers alone is set flush right
};

// A chart with a section of its own.
struct ReportChart {
  std::string heading;
  std::string explanation;  // may be empty
  Chart chart;
};

// A part of a text, marked when it stands for something in the gold labels or in the prediction: an entity's
// type, or "answer". Where both are given and differ, something is there, but of another type or
// with other limits.
struct ReportSegment {
  std::string text;
  std::string gold = {};
  std::string predicted = {};
};

// An example that was got wrong.
struct ReportError {
  std::string heading = {};  // where it stands, "dev.txt:120", or the question asked
  std::string gold = {};     // the labels of the whole example; both empty where only segments have some
  std::string predicted = {};
  std::optional<double> confidence = {};  // the prediction's probability
  std::optional<double> loss = {};
  std::vector<ReportSegment> text = {};
};

// A part that is empty has no section on the page.
struct Report {
  std::string title;
  std::string subtitle;             // "run_classifier · 2.1 min · CPU"
  std::vector<ReportFact> about;    // what tells it from other runs, under the title: date, model, data, rate
  std::vector<std::string> notes;   // warnings: "the model predicts one class only"
  std::vector<ReportScore> scores;  // the first is the one the run is judged by
  std::vector<ReportFact> facts;    // of the run: examples, steps, seconds, memory, device
  ReportCurve training_loss = {"training loss", {}};
  ReportCurve final_loss = {"",
                            {}};  // the loss at the end, from the first to the last step that it is a mean of
  int64_t steps_per_loss = 1;     // a point of training_loss and of gradient_norm is a mean over so many
  ReportCurve evaluation_loss = {"evaluation loss", {}};
  std::vector<ReportCurve> evaluation;  // scores measured during the run
  std::optional<int64_t> best_step;     // whose weights are kept
  ReportCurve learning_rate = {"learning rate", {}};
  ReportCurve gradient_norm = {"gradient norm", {}};
  ReportCurve loss_scale = {"loss scale", {}};  // its logarithm to base 2
  std::vector<ReportTable> tables;
  std::vector<ReportChart> charts;
  std::optional<ConfusionMatrix> confusion;
  std::vector<std::string> classes;  // labels of the matrix
  std::vector<ReportError> errors;   // worst first
  std::vector<ReportSetting> settings;
};

// The page, which is well-formed XML too. Any text may be in the report, valid UTF-8 or not. Throws Error
// when a table's row has more or fewer cells than the table columns, or the confusion matrix not a label per
// class.
std::string to_html(const Report& report);

// Writes to_html() to a file, which holds the old or the new text at every moment. Throws Error.
void write_report(const std::string& path, const Report& report);

}  // namespace gradus
