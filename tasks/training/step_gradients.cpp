#include "tasks/training/step_gradients.h"

#include <bit>
#include <chrono>
#include <cmath>
#include <thread>

namespace gradus {

std::array<float, StepNumbers::max_losses> StepBatches::loss_factors() const {
  std::array<float, StepNumbers::max_losses> factors{};
  for (size_t i = 0; i < factors.size(); ++i)
    factors[i] = static_cast<float>(sums.weights[i] > 0 ? 1 / sums.weights[i] : 0);
  return factors;
}

StepGradients::StepGradients(Parameters& parameters, TrainTask& task, const TrainConfig& config,
                             Communicator& communicator, DeviceStep& device_step, Trace* trace)
    : parameters_(parameters),
      task_(task),
      config_(config),
      communicator_(communicator),
      device_step_(device_step),
      trace_(trace),
      exchange_(parameters, communicator),
      graphs_(parameters.backend(), [this](const Batch& batch) {
        add_gradients(batch, {});
        return std::vector<Tensor>();
      }) {}

StepBatches StepGradients::next(int64_t number, BatchSource& source, bool stops) {
  const Trace::Span span(trace_, "batches");
  StepBatches step{number, {}, {}};
  StepSums& sums = step.sums;
  for (HostBatch batch; std::ssize(step.batches) < config_.accumulation_steps && source.next(batch);) {
    check(batch.weights.size() <= sums.weights.size(), "[training] {} losses: expected at most {}",
          batch.weights.size(), sums.weights.size());
    for (size_t i = 0; i < batch.weights.size(); ++i) sums.weights[i] += batch.weights[i];
    sums.batches += 1;
    sums.examples += static_cast<double>(batch.examples);
    sums.tokens += static_cast<double>(batch.tokens);
    step.batches.push_back(std::move(batch));
  }
  sums.stops = stops ? 1 : 0;
  auto numbers = std::bit_cast<std::array<double, sizeof(StepSums) / sizeof(double)>>(sums);
  communicator_.sum(numbers);
  sums = std::bit_cast<StepSums>(numbers);
  return step;
}

void StepGradients::compute(const StepBatches& step) {
  if (config_.sums_every_batch) add_up_every_batch(step);
  else add_up(step);
}

// Each process adds up the gradients of its batches, and while the last one's are computed, sums over the processes begin.
void StepGradients::add_up(const StepBatches& step) {
  for (size_t i = 0; i < step.batches.size(); ++i) {
    const bool completes = i + 1 == step.batches.size();
    backward(step, i, completes ? exchange_.listener() : Completed());
  }
  const Trace::Span span(trace_, "wait");
  exchange_.finish(device_step_.loss());
}

// The same with a sum over the processes after each batch. What there is so far is kept by the first one then.
void StepGradients::add_up_every_batch(const StepBatches& step) {
  const auto size = static_cast<size_t>(communicator_.size());
  const size_t rounds = (static_cast<size_t>(step.sums.batches) + size - 1) / size;
  for (size_t i = 0; i < rounds; ++i) {
    if (i < step.batches.size()) backward(step, i, exchange_.listener());
    const bool completes = i + 1 == rounds;
    const Trace::Span span(trace_, "wait");
    exchange_.finish(completes ? device_step_.loss() : Tensor());
    if (!completes && communicator_.rank() != 0) parameters_.gradients().fill_zero();
  }
}

void StepGradients::begin(size_t batch) {
  const auto size = static_cast<uint32_t>(communicator_.size()),
             rank = static_cast<uint32_t>(communicator_.rank());
  device_step_.begin_micro_step(static_cast<uint32_t>(batch) * size + rank);
}

Variable StepGradients::forward(const Batch& batch) {
  const Trace::Span span(trace_, "forward");
  Context context = training_context(config_, device_step_.random(config_.seed));
  const std::vector<Variable> losses = task_.losses(context, batch);
  check(losses.size() == batch.host().weights.size(), "[training] {} losses, their batch has {} weights",
        losses.size(), batch.host().weights.size());
  return device_step_.objective(losses);
}

void StepGradients::backward(const StepBatches& step, size_t batch, const Completed& completed) {
  begin(batch);
  const HostBatch& host = step.batches[batch];
  if (communicator_.size() == 1 && parameters_.backend().captures()) {
    const Trace::Span span(trace_, "gradients");
    graphs_.run(host);
    return;
  }
  const Batch on_device(parameters_.backend(), host);
  in_step_memory([&] { add_gradients(on_device, completed); });
}

void StepGradients::add_gradients(const Batch& batch, const Completed& completed) {
  const Variable objective = forward(batch);
  const Trace::Span span(trace_, "backward");
  device_step_.backward(objective, completed);
}

void StepGradients::in_step_memory(const std::function<void()>& work) {
  if (parameters_.backend().captures()) parameters_.backend().warm_up(work);
  else work();
}

void StepGradients::explain(const StepBatches& step, const StepNumbers& numbers, const std::string& why) {
  const int64_t number = step.number + 1;
  // Where another process has the batch at fault, that one is given time to say so.
  const auto give_time = [&] {
    if (communicator_.size() > 1) std::this_thread::sleep_for(std::chrono::seconds(5));
  };
  if (!std::isfinite(numbers.loss)) {
    try {
      const RecordingScope scope(RecordingScope::Mode::check_finite);
      for (size_t i = 0; i < step.batches.size(); ++i) {
        begin(i);
        const Batch on_device(parameters_.backend(), step.batches[i]);
        in_step_memory([&] { forward(on_device); });
      }
    } catch (const Error& e) {
      fail("step {}: the loss is not finite; the first op at fault: {}{}", number, e.what(), why);
    }
    give_time();
    fail("step {}: the loss is not finite{}", number, why);
  }
  for (size_t i = 0; i < step.batches.size(); ++i) backward(step, i, {});
  for (const NamedTensor& tensor : parameters_.tensors()) {
    const int64_t bad = parameters_.gradient(tensor).count_nonfinite();
    check(bad == 0, "step {}: {} values of the gradient of {} are infinite or not a number{}", number, bad,
          tensor.name, why);
  }
  give_time();
  fail("step {}: the gradient norm is not finite{}", number, why);
}

}  // namespace gradus
