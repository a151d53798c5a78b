// The page of a run of run_ner.
#pragma once

#include "tasks/ner/evaluation.h"
#include "tasks/report/run_report.h"

namespace gradus {

// `evaluation` may be null: the page then has no scores. Its latest run is shown, and one is made when there
// was none.
Report ner_report(const FinishedRun& run, NerEvaluation* evaluation);

}  // namespace gradus
