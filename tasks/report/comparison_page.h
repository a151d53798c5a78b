// Runs beside each other on one page: their scores, the settings in which they differ, their curves.
#pragma once

#include <string>
#include <vector>

#include "tasks/report/report.h"
#include "tasks/report/run_record.h"

namespace gradus {

// How the runs belong together.
enum class RunsAre : uint8_t {
  different,  // each one is a run of its own
  repeated,   // the same with other seeds: their mean and deviation count, single ones are pale in the charts
};

// `runs`: one at least, whose names differ. Settings that say where files are written are no difference.
Report comparison_report(const std::string& title, const std::vector<RunRecord>& runs, RunsAre are);

}  // namespace gradus
