#include "tasks/pretraining/report.h"

namespace gradus {
namespace {

constexpr ScoreName score_names[] = {
    {"masked_lm_accuracy", "masked words", "that are predicted right"},
    {"next_sentence_accuracy", "next texts",
     "pairs of which it is told rightly whether they belong together"},
    {"perplexity", "perplexity", "so many words the model hesitates between, on average", ""},
};

}  // namespace

Report pretrain_report(const FinishedRun& run, PretrainEvaluation* evaluation) {
  const std::string task = "Pretraining";
  if (evaluation == nullptr) return run_report(run, task, nullptr);
  const EvaluationReport& found = evaluation->current();
  const PretrainSet& set = evaluation->set();
  const ScoredData scored{set.path, set.counts.str(), found.examples_per_second, found.scores, score_names};
  return run_report(run, task, &scored);
}

}  // namespace gradus
