#include "tasks/topic/training.h"

#include <array>

#include "tasks/topic/batch.h"

namespace gradus {

// Examples are kept as lists of numbers, in memory or in a file: add() and example_of() are each other's inverse.
void TopicTraining::add(const TopicSet& set) {
  for (const TopicExample& example : set.examples)
    add_example(example.input_ids.size(), {example.input_ids, std::array{example.label}});
}

TopicExample TopicTraining::example_of(const NumberLists& lists) const { return {lists[0], lists[1][0]}; }

HostBatch TopicTraining::pack_examples(const Backend& backend, std::span<const TopicExample> examples,
                                       std::span<const int32_t> chosen) const {
  return pack_topics(backend, examples, chosen);
}

std::vector<Variable> TopicTraining::losses_of(const TopicModel& model, Context& context,
                                               const Batch& batch) const {
  return {model.loss(context, topic_batch(batch))};
}

}  // namespace gradus
