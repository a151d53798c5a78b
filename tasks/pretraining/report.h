// The page of a run of run_pretrain.
#pragma once

#include "tasks/pretraining/evaluation.h"
#include "tasks/report/run_report.h"

namespace gradus {

// `evaluation` may be null: the page then has no scores. Its latest run is shown, and one is made when there was none.
Report pretrain_report(const FinishedRun& run, PretrainEvaluation* evaluation);

}  // namespace gradus
