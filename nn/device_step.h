// The numbers of the optimizer step in progress, on the device: what an op, a dropout or an update wants to know of the
// step, it reads there, and what it finds out, it leaves there.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "autograd/ops.h"
#include "core/random.h"
#include "core/step_numbers.h"

namespace gradus {

// Of a step whose host may not know yet whether the step before is skipped.
struct LearningRate {
  LearningRate(float rate) : LearningRate(rate, rate) {}  // NOLINT(google-explicit-constructor): one for both
  LearningRate(float usual, float after_skip) : usual(usual), after_skip(after_skip) {}
  float usual, after_skip;
};

class DeviceStep {
 public:
  explicit DeviceStep(Backend& backend);

  // Begins a step: number `step` of the run, with a learning rate, and a factor for each loss that it adds up, at most
  // StepNumbers::max_losses of them.
  void begin(uint32_t step, LearningRate rate, std::span<const float> loss_factors);
  // Begins a forward pass of it; the first one is 0.
  void begin_micro_step(uint32_t micro_step);

  // The dropout masks of the forward pass in progress.
  RandomStream random(uint64_t seed) const { return RandomStream(seed, place_); }
  // The losses, each a sum, times their factors, which is what the step makes smaller. Its value is added to the step's loss.
  Variable objective(const std::vector<Variable>& losses) const;
  // Adds the derivatives of an objective to the gradients of the parameters, loss_scale times.
  void backward(const Variable& objective, const Completed& completed = {}) const {
    gradus::backward(objective, loss_scale_, completed);
  }
  // What was added up of them so far, float32 [1].
  const Tensor& loss() const { return loss_; }

  // A tensor of bytes that holds StepNumbers.
  const Tensor& numbers() const { return numbers_; }
  // The numbers as the step leaves them, on their way to the host.
  class Findings {
   public:
    explicit Findings(std::unique_ptr<HostCopy> copy) : copy_(std::move(copy)) {}
    StepNumbers wait();

   private:
    std::unique_ptr<HostCopy> copy_;
  };
  Findings findings() const { return Findings(numbers_.backend().begin_copy_to_host(numbers_)); }

  // Takes over what is kept from step to step, as a resumed run begins.
  void restore(const StepNumbers& kept);

 private:
  Tensor numbers_;
  Tensor place_, loss_, loss_scale_;  // parts of it
};

}  // namespace gradus
