#include "tasks/training/fine_tuning.h"

#include <algorithm>
#include <functional>

#include "core/measuring_backend.h"

namespace gradus {
namespace {

// As many of the longest examples as a batch takes: none has more tokens, but for what a budget of tokens leaves over.
std::vector<int32_t> longest_examples(const TrainConfig& config, std::span<const int32_t> lengths) {
  std::vector<int32_t> numbers = numbers_below(std::ssize(lengths));
  const auto length_of = [&](int32_t i) { return lengths[static_cast<size_t>(i)]; };
  std::ranges::sort(numbers, std::greater(), length_of);
  size_t count = 0;
  int64_t tokens = 0;
  const auto fits = [&](int64_t length) {
    return config.batch_tokens > 0 ? count == 0 || tokens + length <= config.batch_tokens
                                   : static_cast<int64_t>(count) < config.batch_size;
  };
  for (; count < numbers.size() && fits(length_of(numbers[count])); ++count)
    tokens += length_of(numbers[count]);
  numbers.resize(count);
  return numbers;
}

// Of the batches of all epochs, as many as there are steps for, the one with the most tokens. In a long run it is none of
// them, but one that can't be less.
std::vector<int32_t> largest_batch(const TrainConfig& config, std::span<const int32_t> lengths) {
  constexpr int64_t most_examples = 10'000'000;  // to look at, in about a second
  const auto examples = static_cast<double>(std::ssize(lengths));
  const double epochs = config.max_steps > 0 ? static_cast<double>(config.max_steps) *
                                                   static_cast<double>(config.accumulation_steps) *
                                                   static_cast<double>(config.batch_size) / examples
                                             : static_cast<double>(config.epochs);
  if (epochs * examples > most_examples) return longest_examples(config, lengths);
  std::vector<int32_t> largest;
  int64_t most = -1, batches = 0;
  const auto goes_on = [&](int64_t epoch) {
    if (config.max_steps > 0) return batches / config.accumulation_steps < config.max_steps;
    return epoch < config.epochs;
  };
  for (int64_t epoch = 0; goes_on(epoch); ++epoch) {
    for (std::vector<int32_t>& batch :
         make_batches(lengths, batch_plan(config), static_cast<uint32_t>(epoch))) {
      ++batches;
      int64_t tokens = 0;
      for (const int32_t example : batch) tokens += lengths[static_cast<size_t>(example)];
      if (tokens <= most) continue;
      most = tokens;
      largest = std::move(batch);
    }
  }
  return largest;
}

}  // namespace

std::string mebibytes(int64_t bytes, int decimals) {
  return fmt::format("{:.{}f} MiB", static_cast<double>(bytes) / (1 << 20), decimals);
}

std::string MemoryPlan::str() const {
  return fmt::format("parameters {}, gradients {}, optimizer {}, activations {}: {} in all",
                     mebibytes(parameters, 1), mebibytes(gradients, 1), mebibytes(optimizer, 1),
                     mebibytes(activations, 1), mebibytes(bytes(), 1));
}

void FineTuning::add_example(size_t length, Numbers numbers, Numbers derived) {
  lengths_.push_back(static_cast<int32_t>(length));
  checksum_.add(numbers);
  std::vector<std::span<const int32_t>> lists(numbers);
  lists.insert(lists.end(), derived.begin(), derived.end());
  store_.add(lists);
}

HostBatch FineTuning::pack_chosen(const Backend& backend, std::span<const int32_t> chosen) const {
  std::vector<NumberLists> examples;
  for (const int32_t number : chosen) examples.push_back(store_.read(number));
  return pack(backend, examples);
}

std::unique_ptr<BatchSource> FineTuning::batches(const Backend& backend, const TrainConfig& config) const {
  if (maker_) return maker_->batches(backend, config);
  return std::make_unique<ExampleBatches>(
      lengths_, batch_plan(config),
      [this, &backend](std::span<const int32_t> chosen) { return pack_chosen(backend, chosen); });
}

MemoryPlan FineTuning::plan_memory(const Backend& target, const TrainConfig& config) const {
  MeasuringBackend backend;
  Parameters parameters;
  const Losses losses = network_in(parameters);
  for (const std::string& name : system_.parameters().frozen_names()) parameters.freeze(name);
  parameters.allocate(backend, Parameters::Use::training, config.compute_type);
  MemoryPlan plan;
  plan.gradients = static_cast<int64_t>(parameters.gradients().bytes());
  plan.parameters = static_cast<int64_t>(backend.memory().current) - plan.gradients;
  plan.optimizer = Optimizer::state_bytes(config.optimizer, parameters.gradients().elements());

  const size_t before = backend.memory().current;
  const HostBatch largest =
      maker_ ? pack(target, std::vector(static_cast<size_t>(std::min(config.batch_size, maker_->most)),
                                        maker_->longest))
             : pack_chosen(target, largest_batch(config, lengths_));
  DeviceStep step(backend);
  Context context = training_context(config, step.random(1));
  step.backward(step.objective(losses(context, Batch(backend, largest))));
  plan.activations = static_cast<int64_t>(backend.memory().peak - before);
  return plan;
}

}  // namespace gradus
