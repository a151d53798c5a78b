// Runs on the same tasks beside each other, from the files that --metrics_file wrote.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tasks/report/chart.h"

namespace gradus {

struct ComparedRun {
  std::string name;             // its file's, without .json
  std::optional<double> score;  // at its end; none that is not finite
  std::vector<ChartPoint>
      history;  // the score over its steps; empty where the run did not score while it trained
};

// The runs of a task.
struct ComparedTask {
  std::string name;   // its folder's
  std::string score;  // what is compared, "span_f1"
  std::vector<ComparedRun> runs;
};

// The tasks are the folders in `folder` that hold metrics files, by their names. `names`: of the runs, in the order in which they
// are compared, each of which has to be there of some task; empty: all that there are, and other JSON files are passed over. `score`:
// what is compared; empty: what a task's evaluations tell first. Throws Error naming the file: when it is no metrics file, and when
// a run that is asked for or its score are missing.
std::vector<ComparedTask> read_comparison(const std::filesystem::path& folder,
                                          const std::vector<std::string>& names, const std::string& score);

// A table in Markdown: a line for each task, a column for each run, and what it gains over the first column's. `names`: the columns
// and their order; empty: all, by their names.
std::string comparison_table(const std::vector<ComparedTask>& tasks, std::vector<std::string> names);

// A chart for each task that has a history.
std::vector<Chart> comparison_charts(const std::vector<ComparedTask>& tasks);

}  // namespace gradus
