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
#include "tasks/training/evaluation.h"
#include "tasks/training/trainer.h"

namespace gradus {

// "512.0 MiB"
std::string mebibytes(int64_t bytes, int decimals);

// What a training step takes, in bytes; parameters and their copies apart from what the largest batch adds.
struct MemoryPlan {
  int64_t parameters = 0;  // with the bfloat16 copy
  int64_t gradients = 0;
  int64_t optimizer = 0;
  int64_t activations = 0;  // at the peak of the step with the largest batch

  int64_t bytes() const { return parameters + gradients + optimizer + activations; }
  std::string str() const;
};

// What is trained on in place of examples that were added.
struct BatchMaker {
  std::function<std::unique_ptr<BatchSource>(const Backend&, const TrainConfig&)> batches;
  bool streams = false;  // records, read as they are trained on
  uint32_t checksum = 0;
  // An example as pack() takes it, as long as the longest can be, filling included, or of records as those that were looked
  // at: memory is planned by it.
  NumberLists longest;
  int64_t most = 0;  // examples of a batch, at most
};

class FineTuning : public TrainTask {
 public:
  std::unique_ptr<BatchSource> batches(const Backend& backend, const TrainConfig& config) const final;
  bool streams() const final { return maker_ && maker_->streams; }
  uint32_t checksum() const final { return maker_ ? maker_->checksum : checksum_.value(); }
  uint32_t evaluation_checksum() const final { return evaluation_ == nullptr ? 0 : evaluation_->checksum(); }
  Scores evaluate() final { return evaluation_ == nullptr ? Scores{} : evaluation_->run().scores; }
  std::string remark() const final { return evaluation_ == nullptr ? "" : evaluation_->remark(); }
  void save(const std::filesystem::path& folder) const final { system_.save(folder); }
  void continue_from(const std::filesystem::path& checkpoint) final { system_.continue_from(checkpoint); }

  // Scores by an evaluation; nothing is scored without. Keeps a reference.
  void score_by(Evaluation& evaluation) { evaluation_ = &evaluation; }
  // Runs the largest batch of all epochs, as it is packed for `target`, on a backend that only counts.
  MemoryPlan plan_memory(const Backend& target, const TrainConfig& config) const;
  // To be called when all examples were added.
  void end_examples() { store_.finish(); }
  const ExampleStore& examples() const { return store_; }

 protected:
  // `system` is to be allocated for training before the first call of losses(). `store` takes the examples.
  FineTuning(TaskSystem& system, ExampleStore store) : system_(system), store_(std::move(store)) {}
  using Numbers = NumbersChecksum::Numbers;
  // Adds an example of so many tokens. `numbers` tells it from others; `derived` is what training reads beside them.
  void add_example(size_t length, Numbers numbers, Numbers derived = {});
  // Trains on other batches than those of examples that were added.
  void train_on(BatchMaker maker) { maker_ = std::move(maker); }

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
  std::optional<BatchMaker> maker_;
  std::vector<int32_t> lengths_;
  NumbersChecksum checksum_;
  Evaluation* evaluation_ = nullptr;
};

// The training of a task by its kind of examples and its system, a TaskSystem with a Model, model() and model_in(Parameters&). Batches of
// examples in the store and of those in records are packed alike; the losses are those of the system's model, or of one that is declared
// anew to plan the memory.
template <typename Example, typename System>
class ExampleTraining : public FineTuning {
 public:
  // Keeps a reference. `store` takes the examples.
  ExampleTraining(System& system, ExampleStore store)
      : FineTuning(system, std::move(store)), system_(system) {}

  std::vector<Variable> losses(Context& context, const Batch& batch) final {
    return losses_of(system_.model(), context, batch);
  }

 protected:
  using Model = typename System::Model;

  const System& system() const { return system_; }
  // What a batch is trained by: TrainTask::losses().
  virtual std::vector<Variable> losses_of(const Model& model, Context& context, const Batch& batch) const = 0;
  // The example that add_example() got these lists of.
  virtual Example example_of(const NumberLists& lists) const = 0;
  // Makes the batch of chosen examples for a backend. Called by the thread that packs ahead.
  virtual HostBatch pack_examples(const Backend& backend, std::span<const Example> examples,
                                  std::span<const int32_t> chosen) const = 0;

  // Trains on the examples that `read` makes of records. `longest`: as StreamedData has it.
  void stream_examples(std::shared_ptr<DatasetStream> records, typename ExamplePacker<Example>::Read read,
                       NumberLists longest) {
    const auto batches = [this, records, read = std::move(read)](const Backend& backend,
                                                                 const TrainConfig& config) {
      auto packer = std::make_unique<ExamplePacker<Example>>(
          read, [this, &backend](std::span<const Example> examples, std::span<const int32_t> chosen) {
            return pack_examples(backend, examples, chosen);
          });
      return std::make_unique<RecordBatches>(records, config.batch_size, std::move(packer));
    };
    train_on({batches, true, records->checksum(), std::move(longest), records->size()});
  }

 private:
  HostBatch pack(const Backend& backend, std::span<const NumberLists> lists) const final {
    std::vector<Example> examples;
    for (const NumberLists& of_one : lists) examples.push_back(example_of(of_one));
    return pack_examples(backend, examples, numbers_below(std::ssize(examples)));
  }

  Losses network_in(Parameters& parameters) const final {
    const std::shared_ptr<const Model> model(new Model(system_.model_in(parameters)));
    return [this, model](Context& context, const Batch& batch) { return losses_of(*model, context, batch); };
  }

  System& system_;
};

}  // namespace gradus
