// Scoring a pretrained model: how often it predicts masked words and the relation of two texts, and how sure it is.
#pragma once

#include <span>
#include <string>

#include "tasks/model/batch_loop.h"
#include "tasks/pretraining/input.h"
#include "tasks/training/evaluation.h"

namespace gradus {

// Sums over a data set, of masked words or of pairs of texts.
struct PretrainSums {
  double loss = 0;
  int64_t count = 0, right = 0;

  void add(float loss_of_batch, std::span<const int32_t> predicted, std::span<const int32_t> gold);
  double mean_loss() const { return loss / static_cast<double>(count); }
  double accuracy() const { return 100 * static_cast<double>(right) / static_cast<double>(count); }
};

struct PretrainOutputs {
  PretrainSums words, next;
};

// Its scores are masked_lm_accuracy and next_sentence_accuracy in percent, the mean losses of both and their sum, and the perplexity, e to
// the loss of the masked words. Of data without masked words only those of the next sentence.
class PretrainEvaluation final : public TaskEvaluation<PretrainOutputs, EvaluationReport> {
 public:
  // Keeps references.
  PretrainEvaluation(Backend& backend, const PretrainSystem& system, const PretrainOptions& options,
                     const PretrainSet& set);

  const PretrainSet& set() const { return set_; }
  std::string data_description() const override { return set_.counts.str(); }
  uint32_t checksum() const override;

 private:
  int64_t examples() const override { return std::ssize(set_.examples); }
  // Throws Error when a loss is infinite or not a number.
  PretrainOutputs compute() const override;
  EvaluationReport report_on(PretrainOutputs outputs) override;

  Backend& backend_;
  const PretrainOptions& options_;
  const PretrainSet& set_;
  BatchLoop loop_;
};

// The scores in lines as google-research/bert's run_pretraining writes them to eval_results.txt, by their names: fractions
// where they are percentages here. `global_step`: updates that the model was trained for.
std::string pretrain_results_text(const Scores& scores, int64_t global_step);

}  // namespace gradus
