// The training of a named-entity tagger, for the one training loop.
#pragma once

#include <string>
#include <vector>

#include "tasks/ner_evaluation.h"
#include "tasks/trainer.h"

namespace gradus {

class NerTraining final : public TrainTask {
 public:
  // `examples` are those of `train`. `evaluation` may be null: nothing is scored then. `system` is allocated for training
  // before the first call of loss. Throws Error when tags follow each other as the constraints of its CRF forbid.
  NerTraining(Backend& backend, NerSystem& system, const NerData& train, NerExamples examples,
              NerEvaluation* evaluation);

  std::span<const int32_t> lengths() const override { return lengths_; }
  uint32_t checksum() const override { return checksum_; }
  double loss_weight(std::span<const int32_t> examples) const override;
  Variable loss(Context& context, std::span<const int32_t> examples, float normalizer) override;
  Scores evaluate() override { return evaluation_ == nullptr ? Scores{} : evaluation_->run().scores; }
  void save(const std::filesystem::path& folder) const override { system_.save(folder); }
  void check_continues(const std::filesystem::path& checkpoint) const override {
    system_.check_continues(checkpoint);
  }

  const NerExamples& examples() const { return train_; }

 private:
  Backend& backend_;
  NerSystem& system_;
  NerExamples train_;
  std::vector<int32_t> lengths_;
  NerEvaluation* evaluation_;
  uint32_t checksum_ = 0;
};

// What a training step takes, in bytes; parameters and their copies apart from what the largest batch adds.
struct MemoryPlan {
  int64_t parameters = 0;  // with the bfloat16 copy
  int64_t gradients = 0;
  int64_t optimizer = 0;
  int64_t activations = 0;  // at the peak of the step with the largest batch

  std::string str() const;
};

// Runs the largest batch of all epochs on a backend that only counts.
MemoryPlan plan_memory(const NerSystem& system, const NerExamples& examples, const TrainConfig& config);

}  // namespace gradus
