// The training of a model of topics, for the one training loop.
#pragma once

#include "tasks/topic/input.h"
#include "tasks/training/fine_tuning.h"

namespace gradus {

class TopicTraining final : public ExampleTraining<TopicExample, TopicSystem> {
 public:
  using ExampleTraining::ExampleTraining;

  // Adds examples to train on.
  void add(const TopicSet& set);

 private:
  TopicExample example_of(const NumberLists& lists) const override;
  HostBatch pack_examples(const Backend& backend, std::span<const TopicExample> examples,
                          std::span<const int32_t> chosen) const override;
  std::vector<Variable> losses_of(const TopicModel& model, Context& context,
                                  const Batch& batch) const override;
};

}  // namespace gradus
