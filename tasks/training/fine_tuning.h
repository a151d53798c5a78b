// Training of a task's model on examples in memory, for the one training loop: what all tasks do alike.
#pragma once

#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "tasks/model/task_system.h"
#include "tasks/training/trainer.h"

namespace gradus {

// What a training step takes, in bytes; parameters and their copies apart from what the largest batch adds.
struct MemoryPlan {
  int64_t parameters = 0;  // with the bfloat16 copy
  int64_t gradients = 0;
  int64_t optimizer = 0;
  int64_t activations = 0;  // at the peak of the step with the largest batch

  std::string str() const;
};

class FineTuning : public TrainTask {
 public:
  std::span<const int32_t> lengths() const final { return lengths_; }
  uint32_t checksum() const final { return checksum_; }
  uint32_t evaluation_checksum() const final { return evaluation_checksum_; }
  void save(const std::filesystem::path& folder) const final { system_.save(folder); }
  void continue_from(const std::filesystem::path& checkpoint) final { system_.continue_from(checkpoint); }

  // Runs the largest batch of all epochs on a backend that only counts.
  MemoryPlan plan_memory(const TrainConfig& config) const;

 protected:
  // `system` is to be allocated for training before the first call of loss().
  explicit FineTuning(TaskSystem& system) : system_(system) {}
  using Numbers = std::initializer_list<std::span<const int32_t>>;
  // Adds an example of so many tokens. `numbers` is all that training reads of it.
  void add_example(size_t length, Numbers numbers);
  // The same of the data that is scored on.
  void add_evaluation_example(Numbers numbers);

  // The loss of chosen examples, not normalised.
  using Loss = std::function<Variable(Context&, std::span<const int32_t>)>;
  // Declares the task's network again, in `parameters`, for a backend that these will be allocated on. The result is
  // used while this object exists.
  virtual Loss network_on(Backend& backend, Parameters& parameters) const = 0;

 private:
  TaskSystem& system_;
  std::vector<int32_t> lengths_;
  uint32_t checksum_ = 0;
  uint32_t evaluation_checksum_ = 0;
};

}  // namespace gradus
