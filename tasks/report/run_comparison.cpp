#include "tasks/report/run_comparison.h"

#include <fmt/core.h>

#include <algorithm>

#include "core/error.h"
#include "core/io/checked_json.h"

namespace gradus {
namespace {

namespace fs = std::filesystem;

// The names of the metrics files in a folder, without .json.
std::vector<std::string> runs_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.is_regular_file() && entry.path().extension() == ".json")
      names.push_back(entry.path().stem().string());
  std::ranges::sort(names);
  return names;
}

// Numbers that are infinite or not a number stand as null in the file, and are left out.
std::vector<ChartPoint> history_of(const JsonField& evaluations, const std::string& score) {
  std::vector<ChartPoint> points;
  for (const JsonField& evaluation : evaluations.items()) {
    const std::optional<JsonField> value = evaluation.find(score);
    if (value && !value->value().is_null())
      points.push_back({evaluation.at("step").number(), value->number()});
  }
  return points;
}

// What the evaluations of a run tell first, after the step.
std::string first_score(const fs::path& path, const std::optional<JsonField>& evaluations) {
  if (evaluations) {
    for (const JsonField& evaluation : evaluations->items())
      for (const auto& [name, value] : evaluation.members())
        if (name != "step") return name;
  }
  fail("'{}' holds no evaluations of a training run: name the number to compare with --score", path.string());
}

ComparedRun read_run(const fs::path& path, std::string& score) {
  const Json json = read_json(path);
  const JsonField file(json, path.string());
  check(json.is_object() && json.contains("steps") && json.contains("peak_rss_bytes"),
        "'{}' is no file of --metrics_file: 'steps' and 'peak_rss_bytes' are missing", path.string());
  const std::optional<JsonField> evaluations = file.find("evaluations");
  if (score.empty()) score = first_score(path, evaluations);
  ComparedRun run{path.stem().string(), file.at(score).number(), {}};
  if (evaluations) run.history = history_of(*evaluations, score);
  return run;
}

}  // namespace

std::vector<ComparedTask> read_comparison(const fs::path& folder, const std::vector<std::string>& names,
                                          const std::string& score) {
  check(fs::is_directory(folder), "'{}' is no folder", folder.string());
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.is_directory() && !runs_in(entry.path()).empty()) folders.push_back(entry.path());
  std::ranges::sort(folders);
  check(!folders.empty(), "'{}' holds no folder with metrics files: expected {}", folder.string(),
        (folder / "TASK" / "RUN.json").string());
  std::vector<ComparedTask> tasks;
  for (const fs::path& task_folder : folders) {
    ComparedTask task{task_folder.filename().string(), score, {}};
    for (const std::string& name : names.empty() ? runs_in(task_folder) : names)
      task.runs.push_back(read_run(task_folder / (name + ".json"), task.score));
    tasks.push_back(std::move(task));
  }
  return tasks;
}

std::string comparison_table(const std::vector<ComparedTask>& tasks) {
  std::vector<std::string> names;
  for (const ComparedTask& task : tasks)
    for (const ComparedRun& run : task.runs)
      if (std::ranges::find(names, run.name) == names.end()) names.push_back(run.name);
  std::string table = "| task | score |", rule = "|---|---|";
  for (const std::string& name : names) {
    table += fmt::format(" {} |", name);
    rule += "---|";
  }
  table += "\n" + rule + "\n";
  for (const ComparedTask& task : tasks) {
    table += fmt::format("| {} | {} |", task.name, task.score);
    for (const std::string& name : names) {
      const auto run = std::ranges::find(task.runs, name, &ComparedRun::name);
      if (run == task.runs.end()) table += " |";
      else if (run == task.runs.begin()) table += fmt::format(" {:.2f} |", run->score);
      else table += fmt::format(" {:.2f} ({:+.2f}) |", run->score, run->score - task.runs.front().score);
    }
    table += "\n";
  }
  return table;
}

std::vector<Chart> comparison_charts(const std::vector<ComparedTask>& tasks) {
  std::vector<Chart> charts;
  for (const ComparedTask& task : tasks) {
    Chart chart{fmt::format("{}: {}", task.name, task.score), "step", {}};
    for (const ComparedRun& run : task.runs) chart.series.push_back({run.name, run.history, false, true});
    charts.push_back(std::move(chart));
  }
  return charts;
}

}  // namespace gradus
