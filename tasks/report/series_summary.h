// What several runs of a program come to, for the terminal and for other programs.
#pragma once

#include <string>
#include <vector>

#include "tasks/report/comparison_page.h"

namespace gradus {

// Of all of these `runs` has one at least. The scores of each as a line of columns, and of repeated runs a line with the means and one
// with the sample standard deviations.
std::string score_table(const std::vector<RunRecord>& runs, RunsAre are);

// The same as objects of JSON, one a line: {"run": "seed-1", "span_f1": 90.1}, ..., {"runs": 3, "mean": {...}, "deviation": {...}}.
std::string json_lines(const std::vector<RunRecord>& runs, RunsAre are);

// The metrics file of the whole: "runs" with the scores of each, and "failed". Repeated runs have what a single one has, too, with the
// means as its scores, and "deviation"; so that it can be compared with others.
std::string series_metrics(const std::vector<RunRecord>& runs, const std::vector<std::string>& failed,
                           RunsAre are);

}  // namespace gradus
