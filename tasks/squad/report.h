// The page of a run of run_squad.
#pragma once

#include "tasks/report/run_report.h"
#include "tasks/squad/evaluation.h"

namespace gradus {

// `evaluation` may be null: the page then has no scores. Its latest run is shown, and one is made when there
// was none.
Report squad_report(const FinishedRun& run, SquadEvaluation* evaluation);

}  // namespace gradus
