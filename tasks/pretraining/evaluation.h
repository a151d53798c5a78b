// Scoring a pretrained model: how often it predicts masked words and the relation of two texts, and how sure it is.
#pragma once

#include <optional>
#include <string>

#include "tasks/metrics/scores.h"
#include "tasks/model/batch_loop.h"
#include "tasks/pretraining/input.h"

namespace gradus {

struct PretrainReport {
  // masked_lm_accuracy and next_sentence_accuracy in percent, the mean losses of both and their sum, and the perplexity, e to
  // the loss of the masked words. Of data without masked words only those of the next sentence.
  Scores scores;
  double examples_per_second = 0;
};

// Scores one model on one set, as often as its weights change.
class PretrainEvaluation {
 public:
  // Keeps references.
  PretrainEvaluation(Backend& backend, const PretrainSystem& system, const PretrainOptions& options,
                     const PretrainSet& set);

  // Throws Error when a loss is infinite or not a number.
  const PretrainReport& run();
  // The last run, one that is made now when there was none.
  const PretrainReport& current() { return latest_ ? *latest_ : run(); }
  const PretrainSet& set() const { return set_; }

 private:
  Backend& backend_;
  const PretrainOptions& options_;
  const PretrainSet& set_;
  BatchLoop loop_;
  std::optional<PretrainReport> latest_;
};

// The scores in lines as google-research/bert's run_pretraining writes them to eval_results.txt, by their names: fractions
// where they are percentages here. `global_step`: updates that the model was trained for.
std::string pretrain_results_text(const Scores& scores, int64_t global_step);

}  // namespace gradus
