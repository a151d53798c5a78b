#include "tasks/report/run_comparison.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "core/error.h"
#include "core/io/checked_json.h"

namespace gradus {
namespace {

namespace fs = std::filesystem;

bool is_metrics(const Json& json) {
  return json.is_object() && json.contains("steps") && json.contains("peak_rss_bytes");
}

// The names of the JSON files in a folder, without .json.
std::vector<std::string> files_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.is_regular_file() && entry.path().extension() == ".json")
      names.push_back(entry.path().stem().string());
  std::ranges::sort(names);
  return names;
}

fs::path file_of(const fs::path& folder, const std::string& run) { return folder / (run + ".json"); }

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

// What the evaluations tell first, after the step; empty where there are none.
std::string first_score(const std::optional<JsonField>& evaluations) {
  if (!evaluations) return "";
  for (const JsonField& evaluation : evaluations->items())
    for (const auto& [name, value] : evaluation.members())
      if (name != "step") return name;
  return "";
}

struct MetricsFile {
  fs::path path;
  Json json;

  JsonField field() const { return {json, path.string()}; }
  std::optional<JsonField> evaluations() const { return field().find("evaluations"); }
};

ComparedRun run_of(const MetricsFile& file, const std::string& score) {
  const JsonField value = file.field().at(score);
  ComparedRun run{file.path.stem().string(), {}, {}};
  if (!value.value().is_null()) run.score = value.number();
  if (const auto evaluations = file.evaluations()) run.history = history_of(*evaluations, score);
  return run;
}

// The metrics files of a task. Asked for none by name, other JSON files are no matter.
std::vector<MetricsFile> read_files(const fs::path& folder, const std::vector<std::string>& names) {
  std::vector<MetricsFile> files;
  for (const std::string& name : names.empty() ? files_in(folder) : names) {
    const fs::path path = file_of(folder, name);
    if (!fs::exists(path)) continue;
    MetricsFile file{path, read_json(path)};
    check(names.empty() || is_metrics(file.json),
          "'{}' is no file of --metrics_file: 'steps' and 'peak_rss_bytes' are missing", path.string());
    if (is_metrics(file.json)) files.push_back(std::move(file));
  }
  return files;
}

ComparedTask task_of(const fs::path& folder, const std::vector<MetricsFile>& files, std::string score) {
  for (size_t i = 0; i < files.size() && score.empty(); ++i) score = first_score(files[i].evaluations());
  check(!score.empty(),
        "'{}' holds no evaluations of a training run: name the number to compare with --score",
        files.front().path.string());
  ComparedTask task{folder.filename().string(), score, {}};
  for (const MetricsFile& file : files) task.runs.push_back(run_of(file, score));
  return task;
}

// As a cell of a table in Markdown.
std::string cell(std::string text) {
  for (size_t at = 0; (at = text.find_first_of("|\n\r", at)) != std::string::npos; at += 2)
    text.replace(at, 1, text[at] == '|' ? "\\|" : "  ");
  return text;
}

std::string score_text(const ComparedTask& task, const std::vector<std::string>& names,
                       const std::string& name) {
  const auto find = [&](const std::string& wanted) {
    return std::ranges::find(task.runs, wanted, &ComparedRun::name);
  };
  const auto run = find(name), first = find(names.front());
  if (run == task.runs.end()) return "";
  if (!run->score) return " n/a";
  if (run == first || first == task.runs.end() || !first->score) return fmt::format(" {:.2f}", *run->score);
  return fmt::format(" {:.2f} ({:+.2f})", *run->score, *run->score - *first->score);
}

}  // namespace

std::vector<ComparedTask> read_comparison(const fs::path& folder, const std::vector<std::string>& names,
                                          const std::string& score) {
  check(fs::is_directory(folder), "'{}' is no folder", folder.string());
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.is_directory()) folders.push_back(entry.path());
  std::ranges::sort(folders);
  for (const std::string& name : names) {
    const bool is_there =
        std::ranges::any_of(folders, [&](const fs::path& task) { return fs::exists(file_of(task, name)); });
    check(is_there, "no folder in '{}' holds a file '{}.json'", folder.string(), name);
  }
  std::vector<ComparedTask> tasks;
  for (const fs::path& task : folders) {
    const std::vector<MetricsFile> files = read_files(task, names);
    if (!files.empty()) tasks.push_back(task_of(task, files, score));
  }
  check(!tasks.empty(), "'{}' holds no folder with metrics files: expected {}", folder.string(),
        (folder / "TASK" / "RUN.json").string());
  return tasks;
}

std::string comparison_table(const std::vector<ComparedTask>& tasks, std::vector<std::string> names) {
  if (names.empty()) {
    std::set<std::string> all;
    for (const ComparedTask& task : tasks)
      for (const ComparedRun& run : task.runs) all.insert(run.name);
    names.assign(all.begin(), all.end());
  }
  std::string table = "| task | score |", rule = "|---|---|";
  for (const std::string& name : names) {
    table += fmt::format(" {} |", cell(name));
    rule += "---|";
  }
  table += "\n" + rule + "\n";
  for (const ComparedTask& task : tasks) {
    table += fmt::format("| {} | {} |", cell(task.name), cell(task.score));
    for (const std::string& name : names) table += score_text(task, names, name) + " |";
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
