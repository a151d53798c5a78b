// Pretraining, for the one training loop.
#pragma once

#include <memory>
#include <string>

#include "data/pretraining_records.h"
#include "tasks/pretraining/input.h"
#include "tasks/training/fine_tuning.h"

namespace gradus {

class PretrainTraining final : public ExampleTraining<PretrainingExample, PretrainSystem> {
 public:
  using ExampleTraining::ExampleTraining;

  // Trains on the text of the options, or on its records, read before or while it is trained, and says what they are. Throws
  // Error naming the record on one that does not fit the model.
  std::string train_on_data(const PretrainOptions& options);

 private:
  std::string train_on_records(const PretrainOptions& options);
  std::string train_on_text(const PretrainOptions& options);
  void add(const PretrainingExample& example);
  PretrainingExample example_of(const NumberLists& lists) const override;
  HostBatch pack_examples(const Backend& backend, std::span<const PretrainingExample> examples,
                          std::span<const int32_t> chosen) const override;
  std::vector<Variable> losses_of(const PretrainingModel& model, Context& context,
                                  const Batch& batch) const override;
};

}  // namespace gradus
