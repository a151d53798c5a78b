// The training of a classifier, for the one training loop.
#pragma once

#include "tasks/classifier/evaluation.h"
#include "tasks/training/fine_tuning.h"

namespace gradus {

class ClassifierTraining final : public FineTuning {
 public:
  // Keeps references. `evaluation` may be null: nothing is scored then.
  ClassifierTraining(Backend& backend, ClassifierSystem& system, const ClassifierSet& train,
                     ClassifierEvaluation* evaluation);

  double loss_weight(std::span<const int32_t> examples) const override;
  Variable loss(Context& context, std::span<const int32_t> examples) override;
  Scores evaluate() override { return evaluation_ == nullptr ? Scores{} : evaluation_->run().scores; }
  std::string remark() const override { return evaluation_ == nullptr ? "" : evaluation_->remark(); }

 private:
  Loss network_on(Backend& backend, Parameters& parameters) const override;

  Backend& backend_;
  ClassifierSystem& system_;
  const ClassifierSet& train_;
  ClassifierEvaluation* evaluation_;
};

}  // namespace gradus
