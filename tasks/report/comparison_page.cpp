#include "tasks/report/comparison_page.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "core/counted.h"
#include "tasks/log/metrics_file.h"
#include "tasks/training/history.h"

namespace gradus {
namespace {

constexpr size_t most_drawn = 12;  // runs of a chart: six colours, unbroken and broken
constexpr size_t most_charts = 6;  // of scores
constexpr size_t most_points = 200, smoothing_share = 40, fewest_to_smooth = 20;  // of a curve of losses

// Where a run writes, and how it was started: nothing of these changes what comes out.
constexpr std::array<std::string_view, 12> left_out = {"save_finetune_checkpoint_path",
                                                       "metrics_file",
                                                       "report",
                                                       "log_dir",
                                                       "log_steps",
                                                       "output_dir",
                                                       "trace",
                                                       "json",
                                                       "resume",
                                                       "overwrite_output_dir",
                                                       "seeds",
                                                       "config_path"};

std::string heading_of(const std::string& score) {
  return score == train_loss_name ? "loss at the end" : score;
}

ReportTable scores_table(const std::vector<RunRecord>& runs, RunsAre are) {
  ReportTable table{
      "Scores",
      fmt::format("Of the model at the end of each run, and as best_... of the one that was kept as "
                  "the best; a dash stands where a run has no such "
                  "score. The loss at the end is the mean of the last {}.",
                  counted(final_loss_steps, "step")),
      {"run", "steps"},
      {}};
  const bool has_deviations =
      std::ranges::any_of(runs, [](const RunRecord& run) { return !run.deviations.empty(); });
  if (are == RunsAre::repeated || has_deviations)
    table.explanation +=
        " The deviation is the sample standard deviation: squared distances from the mean, added up, divided "
        "by one less than there are runs, and the root of that.";
  const std::vector<std::string> names = score_names(runs);
  for (const std::string& name : names) table.columns.push_back(heading_of(name));
  for (const RunRecord& run : runs) {
    std::vector<std::string> row{run.name, fmt::format("{}", run.steps)};
    for (const std::string& name : names) row.push_back(score_text(run, name));
    table.rows.push_back(std::move(row));
  }
  if (are == RunsAre::different) return table;
  std::vector<std::string> means{"mean", "–"}, deviations{"deviation", "–"};
  for (const std::string& name : names) {
    const std::vector<double> values = values_of(runs, name);
    const auto mean = mean_of(values), deviation = deviation_of(values);
    means.push_back(mean ? score_text(name, *mean) : "–");
    deviations.push_back(deviation ? score_text(name, *deviation) : "–");
  }
  table.rows.insert(table.rows.end(), {std::move(means), std::move(deviations)});
  return table;
}

// The value of a setting; the model and the program count as such.
std::string setting(const RunRecord& run, const std::string& name) {
  if (name == "program") return run.program.empty() ? "–" : run.program;
  if (name == "model") return run.model.empty() ? "–" : run.model;
  const auto found = run.settings.find(name);
  return found == run.settings.end() ? "–" : found->second;
}

std::vector<std::string> differences(const std::vector<RunRecord>& runs) {
  std::set<std::string> names{"program", "model"};
  for (const RunRecord& run : runs)
    for (const auto& [name, value] : run.settings) names.insert(name);
  std::vector<std::string> differing;
  for (const std::string& name : names) {
    if (std::ranges::find(left_out, name) != left_out.end()) continue;
    const std::string first = setting(runs.front(), name);
    if (std::ranges::any_of(runs, [&](const RunRecord& run) { return setting(run, name) != first; }))
      differing.push_back(name);
  }
  return differing;
}

ReportTable settings_table(const std::vector<RunRecord>& runs) {
  ReportTable table{"Settings that differ",
                    "All others are the same, but for those that say where files are written. A dash stands "
                    "where a run's file does not tell.",
                    {"run"},
                    {}};
  const std::vector<std::string> names = differences(runs);
  if (names.empty()) return table;
  table.columns.insert(table.columns.end(), names.begin(), names.end());
  for (const RunRecord& run : runs) {
    std::vector<std::string> row{run.name};
    for (const std::string& name : names) row.push_back(setting(run, name));
    table.rows.push_back(std::move(row));
  }
  return table;
}

std::vector<ChartPoint> curve(const RunRecord& run, const std::string& score) {
  std::vector<ChartPoint> points;
  for (const EvaluationPoint& point : run.evaluations)
    for (const auto& [name, value] : point.scores)
      if (name == score) points.push_back({static_cast<double>(point.step), value});
  return points;
}

std::vector<ChartPoint> smooth_losses(const RunRecord& run) {
  const std::vector<ChartPoint> shown = run_means(run.losses, most_points);
  if (shown.size() < fewest_to_smooth) return shown;
  return moving_mean(shown, std::max<size_t>(1, shown.size() / smoothing_share));
}

void add_charts(Report& report, const std::vector<RunRecord>& runs, RunsAre are) {
  const bool repeated = are == RunsAre::repeated && runs.size() > 1;
  const size_t drawn = repeated ? runs.size() : std::min(runs.size(), most_drawn);
  const RunRecord mean = mean_run(runs, "mean");
  size_t charts = 0;
  for (const std::string& score : score_names(runs)) {
    if (score == train_loss_name || charts == most_charts) continue;
    Chart chart{score + " over the steps", "step", {}};
    for (size_t i = 0; i < drawn; ++i)
      if (auto points = curve(runs[i], score); !points.empty())
        chart.series.push_back({runs[i].name, std::move(points), repeated, !repeated});
    if (chart.series.empty()) continue;
    if (repeated) chart.series.push_back({mean.name, curve(mean, score), false, true});
    report.charts.push_back({score, charts == 0 ? "Scored while the runs trained." : "", std::move(chart)});
    ++charts;
  }
  Chart losses{"Training loss over the steps", "step", {}, true};
  for (size_t i = 0; i < drawn; ++i)
    if (!runs[i].losses.empty()) losses.series.push_back({runs[i].name, smooth_losses(runs[i])});
  if (!losses.series.empty())
    report.charts.push_back({"Training loss",
                             "How wrong each model was on the examples it was learning from; of long runs "
                             "moving means.",
                             std::move(losses)});
  if (drawn < runs.size())
    report.notes.push_back(fmt::format("The charts show the first {} of {}: more could not be told apart.",
                                       drawn, counted(runs.size(), "run")));
}

// A fact that all runs share; the different ones are in the table of settings.
void add_fact(Report& report, const char* name, std::set<std::string> values) {
  if (values.size() == 1 && !values.begin()->empty()) report.about.push_back({name, *values.begin()});
}

}  // namespace

Report comparison_report(const std::string& title, const std::vector<RunRecord>& runs, RunsAre are) {
  Report report;
  report.title = title;
  std::set<std::string> programs, models, data, scored, dates;
  for (const RunRecord& run : runs) {
    programs.insert(run.program);
    models.insert(run.model);
    if (!run.date.empty()) dates.insert(shown_date(run.date));
    const auto path = [&](const char* name) {
      const auto found = run.settings.find(name);
      return found == run.settings.end() ? std::string() : found->second;
    };
    data.insert(path("train_data_file_path"));
    scored.insert(path("eval_data_file_path"));
  }
  if (!dates.empty())
    report.about.push_back({"date", dates.size() == 1
                                        ? *dates.begin()
                                        : fmt::format("{} to {}", *dates.begin(), *dates.rbegin())});
  add_fact(report, "program", std::move(programs));
  add_fact(report, "model", std::move(models));
  add_fact(report, "trained on", std::move(data));
  add_fact(report, "scored on", std::move(scored));
  if (are == RunsAre::repeated) {
    const RunRecord mean = mean_run(runs, "mean");
    for (const auto& [name, value] : mean.scores) {
      const auto deviation = mean.deviations.find(name);
      const std::string of = fmt::format("mean of {}", counted(values_of(runs, name).size(), "run"));
      report.scores.push_back(
          {heading_of(name), value, name.ends_with("loss") ? 4 : 2, "",
           deviation == mean.deviations.end()
               ? of
               : fmt::format("{}, deviation {}", of, score_text(name, deviation->second))});
    }
  }
  report.tables.push_back(scores_table(runs, are));
  report.tables.push_back(settings_table(runs));
  add_charts(report, runs, are);
  return report;
}

}  // namespace gradus
