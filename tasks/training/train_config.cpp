#include "tasks/training/train_config.h"

#include "tasks/training/processes.h"

namespace gradus {

int64_t steps_of(int64_t batches, int64_t accumulation) {
  return batches / accumulation + (batches % accumulation == 0 ? 0 : 1);
}

int64_t step_batches(const TrainConfig& config) { return config.accumulation_steps * processes().size(); }

Context training_context(const TrainConfig& config, RandomStream random) {
  return {true, config.compute_type, random, config.recompute, config.label_smoothing};
}

BatchPlan batch_plan(const TrainConfig& config) {
  return {config.batch_size, config.batch_tokens, config.shuffle, false, config.seed};
}

int64_t count_steps(const TrainConfig& config, BatchSource& batches) {
  if (config.max_steps > 0) return config.max_steps;
  int64_t steps = 0;
  for (int64_t epoch = 0; epoch < config.epochs; ++epoch) {
    // Only a token budget makes the number of batches depend on the order of the examples.
    if (epoch == 0 || config.batch_tokens > 0) {
      const int64_t epoch_steps = steps_of(batches.count(epoch), step_batches(config));
      if (config.batch_tokens <= 0) return epoch_steps * config.epochs;
      steps += epoch_steps;
    }
  }
  return steps;
}

}  // namespace gradus
