#include "tasks/report/series_summary.h"

#include <algorithm>

#include "core/counted.h"
#include "core/io/json.h"
#include "core/joined.h"
#include "core/version.h"
#include "tasks/log/metrics_file.h"

namespace gradus {
namespace {

using Words = std::vector<std::string>;

size_t characters_of(const std::string& text) {
  return static_cast<size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

// Columns beside each other: the first flush left, the others right.
std::string text_table(const std::vector<Words>& rows) {
  std::vector<size_t> widths(rows.front().size(), 0);
  for (const Words& row : rows)
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], characters_of(row[i]));
  std::string text;
  for (const Words& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string fill(widths[i] - characters_of(row[i]), ' ');
      line += i == 0 ? row[i] + fill : "  " + fill + row[i];
    }
    text += line + "\n";
  }
  return text;
}

Json scores_of(const RunRecord& run) {
  Json json = Json::object();
  for (const auto& [name, value] : run.scores) json[name] = value;
  return json;
}

Json deviations_in(const RunRecord& mean) {
  Json json = Json::object();
  for (const auto& [name, value] : mean.deviations) json[name] = value;
  return json;
}

std::string seeds_of(const std::vector<RunRecord>& runs) {
  Words seeds;
  for (const RunRecord& run : runs) seeds.push_back(run.settings.at("seed"));
  return joined(seeds, ",").str();
}

}  // namespace

std::string score_table(const std::vector<RunRecord>& runs, RunsAre are) {
  const Words names = score_names(runs);
  std::vector<Words> rows{{"run"}};
  rows[0].insert(rows[0].end(), names.begin(), names.end());
  for (const RunRecord& run : runs) {
    rows.push_back({run.name});
    for (const std::string& name : names) rows.back().push_back(score_text(run, name));
  }
  if (are == RunsAre::different) return text_table(rows);
  const RunRecord mean = mean_run(runs, "mean");
  Words means{"mean"}, deviations{"deviation"};
  for (const auto& [name, value] : mean.scores) {
    const auto deviation = mean.deviations.find(name);
    means.push_back(score_text(name, value));
    deviations.push_back(deviation == mean.deviations.end() ? "–" : score_text(name, deviation->second));
  }
  rows.insert(rows.end(), {std::move(means), std::move(deviations)});
  return text_table(rows) +
         fmt::format("deviation: the sample standard deviation, of {}\n", counted(runs.size(), "run"));
}

std::string json_lines(const std::vector<RunRecord>& runs, RunsAre are) {
  std::string text;
  for (const RunRecord& run : runs) {
    Json line{{"run", run.name}};
    line.update(scores_of(run));
    text += json_text(line) + "\n";
  }
  if (are == RunsAre::different) return text;
  const RunRecord mean = mean_run(runs, "mean");
  return text +
         json_text(
             Json{{"runs", runs.size()}, {"mean", scores_of(mean)}, {"deviation", deviations_in(mean)}}) +
         "\n";
}

std::string series_metrics(const std::vector<RunRecord>& runs, const Words& failed, RunsAre are) {
  Json json{{"program", runs.front().program}, {"version", version()}, {"date", start_date()}};
  if (are == RunsAre::repeated) {
    const RunRecord mean = mean_run(runs, "mean");
    json["model"] = mean.model;
    json["steps"] = mean.steps;
    json["peak_rss_bytes"] = peak_rss_bytes();
    json.update(scores_of(mean));
    json["deviation"] = deviations_in(mean);
    for (const EvaluationPoint& point : mean.evaluations) {
      Json& entry = json["evaluations"].push_back({{"step", point.step}});
      for (const auto& [name, value] : point.scores) entry[name] = value;
    }
    std::map<std::string, std::string> settings = mean.settings;
    settings["seed"] = seeds_of(runs);
    json["settings"] = settings;
  }
  json["runs"] = Json::array();
  for (const RunRecord& run : runs) {
    Json& entry = json["runs"].push_back({{"run", run.name}});
    entry.update(scores_of(run));
  }
  json["failed"] = failed;
  return json_text(json, 2) + "\n";
}

}  // namespace gradus
