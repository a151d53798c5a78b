// The training of a named-entity tagger, for the one training loop.
#pragma once

#include "tasks/ner/evaluation.h"
#include "tasks/training/fine_tuning.h"

namespace gradus {

class NerTraining final : public FineTuning {
 public:
  // `examples` are those of `train`. `evaluation` may be null: nothing is scored then. Throws Error when tags follow
  // each other as the constraints of the system's CRF forbid.
  NerTraining(Backend& backend, NerSystem& system, const NerData& train, NerExamples examples,
              NerEvaluation* evaluation);

  double loss_weight(std::span<const int32_t> examples) const override;
  Variable loss(Context& context, std::span<const int32_t> examples) override;
  Scores evaluate() override { return evaluation_ == nullptr ? Scores{} : evaluation_->run().scores; }

  const NerExamples& examples() const { return train_; }

 private:
  Loss network_on(Backend& backend, Parameters& parameters) const override;

  Backend& backend_;
  NerSystem& system_;
  NerExamples train_;
  NerEvaluation* evaluation_;
};

}  // namespace gradus
