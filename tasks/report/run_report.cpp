#include "tasks/report/run_report.h"

#include <algorithm>
#include <cmath>

#include "core/counted.h"
#include "tasks/log/metrics_file.h"

namespace gradus {
namespace {

constexpr size_t most_curves = 6;  // more could not be told apart
constexpr double bytes_per_mib = 1024.0 * 1024.0;

// "42 s", "2.1 min", "1.5 h"
std::string rough_duration(double seconds) {
  if (seconds < 60) return fmt::format("{:.{}f} s", seconds, seconds < 10 ? 1 : 0);
  if (seconds < 3600) return fmt::format("{:.1f} min", seconds / 60);
  return fmt::format("{:.1f} h", seconds / 3600);
}

std::string rate_text(double per_second, const std::string& noun) {
  return fmt::format("{:.{}f} {}/s", per_second, per_second < 10 ? 1 : 0, noun);
}

const ScoreName* find_name(std::span<const ScoreName> names, std::string_view score) {
  const auto found = std::ranges::find(names, score, &ScoreName::score);
  return found == names.end() ? nullptr : &*found;
}

std::vector<ReportFact> training_facts(const FinishedRun& run) {
  const TrainResult& result = *run.training;
  std::vector<ReportFact> facts{{"training data", run.training_data}};
  const int64_t planned = result.schedule.total_steps;
  facts.push_back({"steps", result.steps == planned
                                ? fmt::format("{}", planned)
                                : fmt::format("{} of {}{}", result.steps, planned,
                                              result.stopped_early ? ", stopped early" : "")});
  if (result.skipped_steps > 0)
    facts.push_back({"skipped steps", fmt::format("{}, whose gradients overflowed", result.skipped_steps)});
  if (result.epochs > 0) facts.push_back({"passes over the data", fmt::format("{:.3g}", result.epochs)});
  if (result.seconds > 0) {
    facts.push_back({"training time", rough_duration(result.seconds)});
    facts.push_back(
        {"training speed", rate_text(static_cast<double>(result.examples) / result.seconds, run.noun) + ", " +
                               rate_text(static_cast<double>(result.tokens) / result.seconds, "tokens")});
  }
  facts.push_back({"loss at the end", fmt::format("{:.4f}, {}", result.train_loss,
                                                  final_loss_meaning(result.train_loss_steps))});
  if (result.best_step >= 0) facts.push_back({"best step", fmt::format("{}", result.best_step)});
  return facts;
}

std::vector<ReportFact> facts_of(const FinishedRun& run, const ScoredData* scored) {
  std::vector<ReportFact> facts;
  if (run.training) facts = training_facts(run);
  if (scored != nullptr) {
    facts.push_back({"evaluation data", scored->description});
    facts.push_back({"evaluation speed", rate_text(scored->per_second, run.noun)});
  }
  const auto peak = static_cast<double>(peak_rss_bytes());
  if (peak > 0) facts.push_back({"peak memory", fmt::format("{:.0f} MiB", peak / bytes_per_mib)});
  facts.push_back({"device", run.backend.description()});
  return facts;
}

std::string rate_of(const FinishedRun& run) {
  const Schedule& schedule = run.training->schedule;
  return fmt::format("{}, {}, {} of warm-up; {}", schedule.learning_rate, schedule.shape,
                     counted(schedule.warmup_steps, "step"), run.options.train.optimizer);
}

// What tells this run from others.
std::vector<ReportFact> about(const FinishedRun& run, const ScoredData* scored) {
  const FineTuneOptions& options = run.options;
  std::vector<ReportFact> facts{{"date", shown_date(start_date())}, {"model", model_of(options)}};
  if (run.training) {
    const std::string& data = options.train_data_file_path;
    facts.push_back({"trained on", data.empty() ? run.training_data : data});
  }
  if (scored != nullptr) facts.push_back({"scored on", scored->path});
  if (run.training) {
    facts.push_back({"learning rate", rate_of(run)});
    facts.push_back({"seed", fmt::format("{}", options.device.seed)});
  }
  return facts;
}

// Each point stands in the middle of its steps.
ReportCurve step_curve(const StepCurve& points, std::string name) {
  ReportCurve curve{std::move(name), {}};
  const auto per_point = static_cast<double>(points.steps_per_point());
  for (const double point : points.points())
    curve.points.push_back({(static_cast<double>(curve.points.size()) + 0.5) * per_point + 0.5, point});
  return curve;
}

ReportCurve score_curve(const TrainHistory& history, std::string_view score, std::string_view name) {
  ReportCurve curve{std::string(name), {}};
  for (const EvaluationPoint& point : history.evaluations) {
    const auto found = std::ranges::find(point.scores, score, &Scores::value_type::first);
    if (found != point.scores.end()) curve.points.push_back({static_cast<double>(point.step), found->second});
  }
  return curve;
}

void add_curves(Report& report, const TrainResult& result) {
  const TrainHistory& history = result.history;
  report.training_loss = step_curve(history.losses, "training loss");
  report.steps_per_loss = history.losses.steps_per_point();
  if (result.train_loss_steps > 0) {
    const auto last = static_cast<double>(result.steps);
    const double first = last - static_cast<double>(result.train_loss_steps) + 1;
    report.final_loss = {fmt::format("loss at the end: {:.4f}, {}", result.train_loss,
                                     final_loss_meaning(result.train_loss_steps)),
                         {{first, result.train_loss}, {last, result.train_loss}}};
    if (first == last) report.final_loss.points.pop_back();
  }
  report.learning_rate = step_curve(history.learning_rates, "learning rate");
  report.gradient_norm = step_curve(history.gradient_norms, "gradient norm");
  report.loss_scale = step_curve(history.loss_scales, "loss scale");
  for (ChartPoint& point : report.loss_scale.points) point.y = std::log2(point.y);
}

// One evaluation is no curve: the tiles tell it.
void add_evaluation_curves(Report& report, const TrainResult& result, const ScoredData& scored) {
  if (result.history.evaluations.size() < 2) return;
  report.evaluation_loss = score_curve(result.history, "eval_loss", "evaluation loss");
  for (const auto& [score, value] : scored.scores) {
    const ScoreName* name = find_name(scored.names, score);
    if (name != nullptr && report.evaluation.size() < most_curves)
      report.evaluation.push_back(score_curve(result.history, score, name->name));
  }
  // A resumed run's best may be one of steps that it has taken otherwise since.
  const bool is_drawn = std::ranges::any_of(result.history.evaluations, [&](const EvaluationPoint& point) {
    return point.step == result.best_step && point.scores == result.best_scores;
  });
  if (is_drawn) report.best_step = result.best_step;
}

void add_tiles(Report& report, const ScoredData& scored) {
  for (const auto& [score, value] : scored.scores) {
    if (const ScoreName* name = find_name(scored.names, score))
      report.scores.push_back(
          {std::string(name->name), value, 2, std::string(name->unit), std::string(name->explanation)});
    else if (score == "eval_loss")
      report.scores.push_back({"loss", value, 4, "", "mean over the evaluation data"});
  }
}

// The page shows the last weights; a reader might take them for the best.
void add_best_note(Report& report, const FinishedRun& run, const ScoredData& scored) {
  const TrainResult& result = *run.training;
  if (result.best_step < 0 || result.ends_with_best() || result.best_scores.empty()) return;
  const auto& [score, value] = result.best_scores.front();
  if (value <= scored.scores.front().second) return;
  const ScoreName* name = find_name(scored.names, score);
  const std::string& folder = run.options.train.save_finetune_checkpoint_path;
  const std::string kept = folder.empty() ? "" : "; its weights are in the folder best of " + folder;
  report.notes.push_back(fmt::format(
      "Scores and errors are those of the model after the last step, {}. After step {} it was better: {} "
      "{:.2f}{}{}.",
      result.steps, result.best_step, name == nullptr ? score : name->name, value,
      name == nullptr ? "" : name->unit, kept));
}

std::string part(int64_t count, int64_t of) {
  if (of == 0) return "–";
  return fmt::format("{:.1f}%", 100 * static_cast<double>(count) / static_cast<double>(of));
}

}  // namespace

std::string model_of(const FineTuneOptions& options) {
  if (!options.exported_file.empty()) return options.exported_file;
  if (!options.load_finetune_checkpoint_path.empty())
    return options.load_finetune_checkpoint_path + (options.train.do_train ? ", trained further" : "");
  if (!options.load_pretrain_checkpoint_path.empty()) return options.load_pretrain_checkpoint_path;
  return fmt::format("from scratch: {} of width {}", counted(options.model.num_hidden_layers, "layer"),
                     options.model.hidden_size);
}

Report run_report(const FinishedRun& run, const std::string& task, const ScoredData* scored) {
  Report report;
  report.title =
      task + ": " + (scored == nullptr ? std::string("a training run") : without_folder(scored->path));
  report.subtitle = fmt::format("{} · {} · {}", run.flags.program(), rough_duration(process_age_seconds()),
                                run.backend.name());
  report.about = about(run, scored);
  report.facts = facts_of(run, scored);
  if (run.training) add_curves(report, *run.training);
  if (scored != nullptr) add_tiles(report, *scored);
  if (run.training && scored != nullptr) {
    add_evaluation_curves(report, *run.training, *scored);
    add_best_note(report, run, *scored);
  }
  for (const Option& option : run.flags.all())
    report.settings.push_back({option.name(), option.value(), option.origin()});
  return report;
}

ReportTable counts_table(const std::string& heading, const std::string& label,
                         const std::vector<std::pair<std::string, SpanCounts>>& rows) {
  ReportTable table{
      heading,
      "Precision is the part of what was predicted that is right, recall the part of what is in "
      "the data that was found, F1 their harmonic mean; a dash stands where there was nothing to "
      "divide by.",
      {label, "precision", "recall", "F1", "in the data", "predicted", "right"},
      {}};
  for (const auto& [name, counts] : rows)
    table.rows.push_back({name, part(counts.correct, counts.found), part(counts.correct, counts.gold),
                          part(2 * counts.correct, counts.found + counts.gold), std::to_string(counts.gold),
                          std::to_string(counts.found), std::to_string(counts.correct)});
  return table;
}

std::vector<std::pair<std::string, SpanCounts>> counts_of(const ConfusionMatrix& confusion,
                                                          const std::vector<std::string>& labels) {
  std::vector<std::pair<std::string, SpanCounts>> rows;
  for (int64_t id = 0; id < confusion.classes(); ++id)
    rows.emplace_back(
        labels[static_cast<size_t>(id)],
        SpanCounts{confusion.count(id, id), confusion.gold_count(id), confusion.predicted_count(id)});
  return rows;
}

std::string without_folder(const std::string& place) {
  const size_t slash = place.rfind('/');
  const std::string name = slash == std::string::npos ? place : place.substr(slash + 1);
  return name.empty() || name.starts_with(':') ? place : name;  // of a folder
}

}  // namespace gradus
