// The training of a model that finds answers, for the one training loop.
#pragma once

#include "data/squad_records.h"
#include "tasks/squad/evaluation.h"
#include "tasks/training/fine_tuning.h"

namespace gradus {

class SquadTraining final : public ExampleTraining<SquadFeature> {
 public:
  // Keeps a reference. `store` takes the examples.
  SquadTraining(SquadSystem& system, ExampleStore store)
      : ExampleTraining(system, std::move(store)), system_(system) {}

  // Scores by an evaluation; nothing is scored without. Keeps a reference.
  void score_by(SquadEvaluation& evaluation);

  // Adds windows to train on.
  void add(std::span<const SquadFeature> features);
  // Trains on records of at most `length` tokens in their place.
  void stream_records(SquadRecordStream records, int64_t length);

  std::vector<Variable> losses(Context& context, const Batch& batch) override;
  std::string remark() const override { return evaluation_ == nullptr ? "" : evaluation_->remark(); }
  Scores evaluate() override { return evaluation_ == nullptr ? Scores{} : evaluation_->run().scores; }

 private:
  SquadFeature example_of(const NumberLists& lists) const override;
  HostBatch pack_examples(const Backend& backend, std::span<const SquadFeature> examples,
                          std::span<const int32_t> chosen) const override;
  Losses network_in(Parameters& parameters) const override;

  SquadSystem& system_;
  SquadEvaluation* evaluation_ = nullptr;
};

}  // namespace gradus
