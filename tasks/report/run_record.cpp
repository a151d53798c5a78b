#include "tasks/report/run_record.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/error.h"
#include "core/io/checked_json.h"
#include "tasks/training/history.h"

namespace gradus {
namespace {

constexpr const char* best_prefix = "best_";  // of the model that the folder best holds
constexpr double no_number = std::numeric_limits<double>::quiet_NaN();

bool has_score(const Scores& scores, const std::string& name) {
  return std::ranges::find(scores, name, &Scores::value_type::first) != scores.end();
}

// Numbers of a metrics file that say how long the run took, not how well it did.
bool is_cost(const std::string& name) {
  constexpr const char* others[] = {"steps", "seconds", "peak_rss_bytes", "skipped_steps"};
  return std::ranges::find(others, name) != std::end(others) || name.ends_with("_per_second") ||
         name.starts_with("seconds_");
}

Scores scores_in(const JsonField& field) {
  Scores scores;
  for (const auto& [name, value] : field.members())
    if (name != "step") scores.emplace_back(name, value.number_or_nan());
  return scores;
}

std::vector<ChartPoint> loss_points(const JsonField& points, double width) {
  std::vector<ChartPoint> result;
  for (const JsonField& point : points.items())
    result.push_back({(static_cast<double>(result.size()) + 0.5) * width + 0.5, point.number_or_nan()});
  return drawable(result);
}

std::string text_in(const JsonField& file, const char* name) {
  const auto field = file.find(name);
  return field ? field->text() : "";
}

RunRecord read_metrics(const JsonField& file) {
  RunRecord run;
  run.program = text_in(file, "program");
  run.date = text_in(file, "date");
  run.model = text_in(file, "model");
  run.steps = file.at("steps").integer(0);
  if (const auto settings = file.find("settings"))
    for (const auto& [name, value] : settings->members()) run.settings[name] = value.text();
  if (const auto evaluations = file.find("evaluations"))
    for (const JsonField& point : evaluations->items())
      run.evaluations.push_back({point.at("step").integer(0), scores_in(point)});
  for (const EvaluationPoint& point : run.evaluations)
    for (const auto& [name, value] : point.scores)
      if (!has_score(run.scores, name)) run.scores.emplace_back(name, no_number);
  for (auto& [name, value] : run.scores)
    if (const auto last = file.find(name)) value = last->number_or_nan();
  if (!run.scores.empty()) {
    const std::string best = best_prefix + run.scores.front().first;
    if (const auto kept = file.find(best)) run.scores.emplace_back(best, kept->number_or_nan());
  }
  if (run.scores.empty()) {  // it did not train
    for (const auto& [name, value] : file.members())
      if ((value.value().is_number() || value.value().is_null()) && !is_cost(name) && name != train_loss_name)
        run.scores.emplace_back(name, value.number_or_nan());
  }
  if (const auto loss = file.find(train_loss_name))
    run.scores.emplace_back(train_loss_name, loss->number_or_nan());
  if (const auto deviations = file.find("deviation"))
    for (const auto& [name, value] : deviations->members())
      if (!value.value().is_null()) run.deviations[name] = value.number();
  if (const auto losses = file.find("training_loss"))
    run.losses =
        loss_points(losses->at("points"), static_cast<double>(losses->at("steps_per_point").integer(1)));
  return run;
}

RunRecord read_state(const JsonField& file) {
  RunRecord run;
  run.steps = file.at("step").integer(0);
  for (const auto& [name, value] : file.at("settings").members()) run.settings[name] = value.text();
  run.settings["seed"] = fmt::format("{}", file.at("seed").integer());
  run.settings["train_batch_size"] = fmt::format("{}", file.at("batch_size").integer());
  const JsonField history = file.at("history");
  for (const JsonField& point : history.at("evaluations").items())
    run.evaluations.push_back({point.at("step").integer(0), scores_in(point.at("scores"))});
  if (!run.evaluations.empty()) run.scores = run.evaluations.back().scores;
  for (const auto& [name, value] : scores_in(file.at("best_scores")))
    if (!run.scores.empty() && name == run.scores.front().first)
      run.scores.emplace_back(best_prefix + name, value);
  if (const std::vector<double> recent = file.at("recent_losses").numbers(); !recent.empty())
    run.scores.emplace_back(train_loss_name, final_loss(recent));
  run.losses =
      loss_points(history.at("losses"), static_cast<double>(history.at("steps_per_loss").integer(1)));
  return run;
}

}  // namespace

RunRecord read_run(const std::filesystem::path& path) {
  const Json json = read_json(path);
  const JsonField file(json, path.string());
  const auto has = [&](const char* name) { return json.is_object() && json.contains(name); };
  const bool is_state = has("step") && has("history");
  check(is_state || (has("steps") && has("peak_rss_bytes")),
        "'{}' is no file of --metrics_file, in which 'steps' and 'peak_rss_bytes' are, nor a checkpoint's "
        "trainer_state.json, in which 'step' and 'history' are",
        path.string());
  RunRecord run = is_state ? read_state(file) : read_metrics(file);
  run.name = path.stem().string();
  return run;
}

std::vector<double> values_of(const std::vector<RunRecord>& runs, const std::string& score) {
  std::vector<double> values;
  for (const RunRecord& run : runs)
    for (const auto& [name, value] : run.scores)
      if (name == score && std::isfinite(value)) values.push_back(value);
  return values;
}

std::vector<std::string> score_names(const std::vector<RunRecord>& runs) {
  std::vector<std::string> names;
  bool has_loss = false;
  for (const RunRecord& run : runs) {
    for (const auto& [name, value] : run.scores) {
      if (name == train_loss_name) has_loss = true;
      else if (std::ranges::find(names, name) == names.end()) names.push_back(name);
    }
  }
  if (has_loss) names.emplace_back(train_loss_name);
  return names;
}

std::optional<double> mean_of(const std::vector<double>& values) {
  if (values.empty()) return std::nullopt;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

std::optional<double> deviation_of(const std::vector<double>& values) {
  if (values.size() < 2) return std::nullopt;
  const double mean = *mean_of(values);
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

RunRecord mean_run(const std::vector<RunRecord>& runs, const std::string& name) {
  RunRecord result = runs.front();
  result.name = name;
  result.losses.clear();
  result.evaluations.clear();
  result.scores.clear();
  for (const std::string& score : score_names(runs)) {
    const std::vector<double> values = values_of(runs, score);
    result.scores.emplace_back(score, mean_of(values).value_or(no_number));
    if (const auto deviation = deviation_of(values)) result.deviations[score] = *deviation;
  }
  for (const EvaluationPoint& point : runs.front().evaluations) {
    std::map<std::string, double> sums;
    size_t count = 0;
    for (const RunRecord& run : runs) {
      const auto same = std::ranges::find(run.evaluations, point.step, &EvaluationPoint::step);
      if (same == run.evaluations.end()) continue;
      ++count;
      for (const auto& [score, value] : same->scores) sums[score] += value;
    }
    if (count != runs.size()) continue;
    EvaluationPoint mean{point.step, {}};
    for (const auto& [score, value] : point.scores)
      mean.scores.emplace_back(score, sums[score] / static_cast<double>(count));
    result.evaluations.push_back(std::move(mean));
  }
  return result;
}

std::string score_text(const std::string& name, double value) {
  if (!std::isfinite(value)) return "–";
  return fmt::format("{:.{}f}", value, name.ends_with("loss") ? 4 : 2);
}

std::string score_text(const RunRecord& run, const std::string& name) {
  const auto found = std::ranges::find(run.scores, name, &Scores::value_type::first);
  if (found == run.scores.end()) return "–";
  const auto deviation = run.deviations.find(name);
  const std::string text = score_text(name, found->second);
  return deviation == run.deviations.end() ? text : text + " ± " + score_text(name, deviation->second);
}

}  // namespace gradus
