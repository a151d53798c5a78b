// The training of a classifier, for the one training loop.
#pragma once

#include "data/classification_records.h"
#include "tasks/classifier/evaluation.h"
#include "tasks/training/fine_tuning.h"

namespace gradus {

class ClassifierTraining final : public ExampleTraining<ClassificationExample> {
 public:
  // Keeps a reference. `store` takes the examples.
  ClassifierTraining(ClassifierSystem& system, ExampleStore store)
      : ExampleTraining(system, std::move(store)), system_(system) {}

  // Scores by an evaluation; nothing is scored without. Keeps a reference.
  void score_by(ClassifierEvaluation& evaluation);

  // Adds examples to train on.
  void add(std::span<const ClassificationExample> examples);
  // Trains on records of at most `length` tokens in their place.
  void stream_records(ClassificationRecordStream records, int64_t length);

  std::vector<Variable> losses(Context& context, const Batch& batch) override;
  Scores evaluate() override { return evaluation_ == nullptr ? Scores{} : evaluation_->run().scores; }
  std::string remark() const override { return evaluation_ == nullptr ? "" : evaluation_->remark(); }

 private:
  ClassificationExample example_of(const NumberLists& lists) const override;
  HostBatch pack_examples(const Backend& backend, std::span<const ClassificationExample> examples,
                          std::span<const int32_t> chosen) const override;
  Losses network_in(Parameters& parameters) const override;

  ClassifierSystem& system_;
  ClassifierEvaluation* evaluation_ = nullptr;
};

}  // namespace gradus
