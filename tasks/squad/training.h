// The training of a model that finds answers, for the one training loop.
#pragma once

#include "tasks/squad/evaluation.h"
#include "tasks/training/fine_tuning.h"

namespace gradus {

class SquadTraining final : public FineTuning {
 public:
  // Keeps references. `evaluation` may be null: nothing is scored then.
  SquadTraining(Backend& backend, SquadSystem& system, const SquadTrainingSet& train,
                SquadEvaluation* evaluation);

  // Of each window the first and the last token of the answer are learned.
  double loss_weight(std::span<const int32_t> examples) const override {
    return 2.0 * static_cast<double>(examples.size());
  }
  Variable loss(Context& context, std::span<const int32_t> examples) override;
  std::string remark() const override { return evaluation_ == nullptr ? "" : evaluation_->remark(); }
  Scores evaluate() override { return evaluation_ == nullptr ? Scores{} : evaluation_->run().scores; }

 private:
  Loss network_on(Backend& backend, Parameters& parameters) const override;

  Backend& backend_;
  SquadSystem& system_;
  const SquadTrainingSet& train_;
  SquadEvaluation* evaluation_;
};

}  // namespace gradus
