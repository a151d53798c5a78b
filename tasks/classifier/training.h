// The training of a classifier, for the one training loop.
#pragma once

#include "data/classification_records.h"
#include "tasks/classifier/system.h"
#include "tasks/training/fine_tuning.h"

namespace gradus {

class ClassifierTraining final : public ExampleTraining<ClassificationExample, ClassifierSystem> {
 public:
  using ExampleTraining::ExampleTraining;

  // Adds examples to train on.
  void add(std::span<const ClassificationExample> examples);
  // Trains on records of at most `length` tokens in their place.
  void stream_records(ClassificationRecordStream records, int64_t length);

 private:
  ClassificationExample example_of(const NumberLists& lists) const override;
  HostBatch pack_examples(const Backend& backend, std::span<const ClassificationExample> examples,
                          std::span<const int32_t> chosen) const override;
  std::vector<Variable> losses_of(const ClassifierModel& model, Context& context,
                                  const Batch& batch) const override;
};

}  // namespace gradus
