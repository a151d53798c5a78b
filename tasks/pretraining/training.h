// Pretraining, for the one training loop.
#pragma once

#include <memory>
#include <string>

#include "data/pretraining_records.h"
#include "tasks/pretraining/evaluation.h"
#include "tasks/training/fine_tuning.h"

namespace gradus {

class PretrainTraining final : public ExampleTraining<PretrainingExample> {
 public:
  // Keeps a reference. `store` takes the examples.
  PretrainTraining(PretrainSystem& system, ExampleStore store)
      : ExampleTraining(system, std::move(store)), system_(system) {}

  // Scores by an evaluation; nothing is scored without. Keeps a reference.
  void score_by(PretrainEvaluation& evaluation);

  // Trains on the text of the options, or on its records, read before or while it is trained, and says what they are. Throws
  // Error naming the record on one that does not fit the model.
  std::string train_on_data(const PretrainOptions& options);

  std::vector<Variable> losses(Context& context, const Batch& batch) override;
  Scores evaluate() override { return evaluation_ == nullptr ? Scores{} : evaluation_->run().scores; }

 private:
  std::string train_on_records(const PretrainOptions& options);
  std::string train_on_text(const PretrainOptions& options);
  void add(const PretrainingExample& example);
  PretrainingExample example_of(const NumberLists& lists) const override;
  HostBatch pack_examples(const Backend& backend, std::span<const PretrainingExample> examples,
                          std::span<const int32_t> chosen) const override;
  Losses network_in(Parameters& parameters) const override;

  PretrainSystem& system_;
  PretrainEvaluation* evaluation_ = nullptr;
};

}  // namespace gradus
