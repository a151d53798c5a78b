// The training of a model that finds answers, for the one training loop.
#pragma once

#include "data/squad_records.h"
#include "tasks/squad/input.h"
#include "tasks/training/fine_tuning.h"

namespace gradus {

class SquadTraining final : public ExampleTraining<SquadFeature, SquadSystem> {
 public:
  using ExampleTraining::ExampleTraining;

  // Adds windows to train on.
  void add(std::span<const SquadFeature> features);
  // Trains on records of at most `length` tokens in their place.
  void stream_records(SquadRecordStream records, int64_t length);

 private:
  SquadFeature example_of(const NumberLists& lists) const override;
  HostBatch pack_examples(const Backend& backend, std::span<const SquadFeature> examples,
                          std::span<const int32_t> chosen) const override;
  std::vector<Variable> losses_of(const SquadModel& model, Context& context,
                                  const Batch& batch) const override;
};

}  // namespace gradus
