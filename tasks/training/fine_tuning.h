// Training of a task's model on examples or on records, for the one training loop: what all tasks do alike.
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/example_store.h"
#include "data/record_batches.h"
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

// Records to train on that are read meanwhile, not before.
struct StreamedData {
  std::shared_ptr<DatasetStream> records;  // in the order to train in
  std::function<std::unique_ptr<RecordPacker>(const Backend&)> packer;
  NumberLists
      longest;  // an example as pack() takes it, of as many tokens as a record may have: memory is planned by it
};

class FineTuning : public TrainTask {
 public:
  // Trains on records in place of examples.
  void stream(StreamedData data);

  std::unique_ptr<BatchSource> batches(const Backend& backend, const TrainConfig& config) const final;
  bool streams() const final { return streamed_.has_value(); }
  uint32_t checksum() const final { return checksum_; }
  uint32_t evaluation_checksum() const final { return evaluation_checksum_; }
  void save(const std::filesystem::path& folder) const final { system_.save(folder); }
  void continue_from(const std::filesystem::path& checkpoint) final { system_.continue_from(checkpoint); }

  // Runs the largest batch of all epochs, as it is packed for `target`, on a backend that only counts.
  MemoryPlan plan_memory(const Backend& target, const TrainConfig& config) const;
  // To be called when all examples were added.
  void end_examples() { store_.finish(); }
  const ExampleStore& examples() const { return store_; }

 protected:
  // `system` is to be allocated for training before the first call of losses(). `store` takes the examples.
  FineTuning(TaskSystem& system, ExampleStore store) : system_(system), store_(std::move(store)) {}
  using Numbers = std::initializer_list<std::span<const int32_t>>;
  // Adds an example of so many tokens. `numbers` tells it from others; `derived` is what training reads beside them.
  void add_example(size_t length, Numbers numbers, Numbers derived = {});
  // The same of the data that is scored on.
  void add_evaluation_example(Numbers numbers);

  // Makes the batch of examples, each the lists of add_example() one after the other, for a backend. Called by the thread
  // that packs ahead.
  virtual HostBatch pack(const Backend& backend, std::span<const NumberLists> examples) const = 0;

  using Losses = std::function<std::vector<Variable>(Context&, const Batch&)>;
  // Declares the task's network again, in `parameters`, which will be allocated on another backend.
  virtual Losses network_in(Parameters& parameters) const = 0;

 private:
  HostBatch pack_chosen(const Backend& backend, std::span<const int32_t> chosen) const;

  TaskSystem& system_;
  ExampleStore store_;
  std::optional<StreamedData> streamed_;
  std::vector<int32_t> lengths_;
  uint32_t checksum_ = 0;
  uint32_t evaluation_checksum_ = 0;
};

}  // namespace gradus
