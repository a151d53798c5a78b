// How an update begins, once the gradients' norms are known. Plain code that host and device compilers read alike.
#pragma once

#include <cmath>
#include <cstdint>

#include "core/kernels.h"
#include "core/on_device.h"

namespace gradus {

// What PrepareUpdate says beside its tensors, to be handed to a device.
struct UpdatePolicy {
  Clip clip;
  float max_norm;
  bool bias_correction;
  RuleNumbers rule;
  LossScaling scaling;

  explicit UpdatePolicy(const PrepareUpdate& args)
      : clip(args.clip),
        max_norm(args.max_norm),
        bias_correction(args.bias_correction),
        rule(args.rule),
        scaling(args.scaling) {}
};

// After gradients that overflowed.
GRADUS_ON_DEVICE inline void lower_loss_scale(const LossScaling& scaling, StepNumbers& numbers) {
  numbers.good_steps = 0;
  if (++numbers.skipped_in_a_row >= scaling.most_skipped || scaling.window == 0 || numbers.loss_scale <= 1) {
    numbers.halted = 1;
    return;
  }
  const float lower = numbers.loss_scale / scaling.factor;
  numbers.loss_scale = lower > 1 ? lower : 1;
}

// After those that did not. The steps may be more than the window where a run was resumed with a shorter one.
GRADUS_ON_DEVICE inline void raise_loss_scale(const LossScaling& scaling, StepNumbers& numbers) {
  numbers.skipped_in_a_row = 0;
  if (scaling.window == 0 || ++numbers.good_steps < scaling.window) return;
  const float higher = numbers.loss_scale * scaling.factor;
  numbers.loss_scale = higher < scaling.most ? higher : scaling.most;
  numbers.good_steps = 0;
}

// What PrepareUpdate is to do, of the norms of `count` segments.
GRADUS_ON_DEVICE inline void prepare_step(const UpdatePolicy& policy, const float* norms, int64_t count,
                                          StepNumbers& numbers, float* scales) {
  const float unscale = 1 / numbers.loss_scale;
  double squares = 0;
  for (int64_t s = 0; s < count; ++s)
    squares += static_cast<double>(norms[s]) * static_cast<double>(norms[s]);
  const double norm = std::sqrt(squares) * static_cast<double>(unscale);
  numbers.norm = static_cast<float>(norm);

  if (numbers.skipped != 0) numbers.learning_rate = numbers.learning_rate_after_skip;
  const bool finite = std::isfinite(numbers.norm) && std::isfinite(numbers.loss);
  numbers.skipped = !finite || numbers.halted != 0 ? 1 : 0;
  if (numbers.skipped != 0) {
    if (numbers.halted == 0) lower_loss_scale(policy.scaling, numbers);
    return;
  }

  const float global = policy.clip == Clip::global ? clip_factor(norm, policy.max_norm) : 1.0F;
  for (int64_t s = 0; s < count; ++s) {
    const float clip = policy.clip == Clip::per_tensor
                           ? clip_factor(static_cast<double>(norms[s] * unscale), policy.max_norm)
                           : global;
    scales[s] = clip * unscale;
  }
  ++numbers.updates;
  numbers.correction1 = numbers.correction2 = 1;
  if (policy.bias_correction) {
    numbers.correction1 = static_cast<float>(
        1 - std::pow(static_cast<double>(policy.rule.beta1), static_cast<double>(numbers.updates)));
    numbers.correction2 = static_cast<float>(
        1 - std::pow(static_cast<double>(policy.rule.beta2), static_cast<double>(numbers.updates)));
  }
  raise_loss_scale(policy.scaling, numbers);
}

}  // namespace gradus
