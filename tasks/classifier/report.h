// The page of a run of run_classifier.
#pragma once

#include "tasks/classifier/evaluation.h"
#include "tasks/report/run_report.h"

namespace gradus {

// `evaluation` may be null: the page then has no scores. Its latest run is shown, and one is made when there
// was none.
Report classifier_report(const FinishedRun& run, const ClassifierSystem& system,
                         ClassifierEvaluation* evaluation);

}  // namespace gradus
