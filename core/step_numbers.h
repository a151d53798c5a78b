// The numbers of an optimizer step, as they lie in a backend's memory, in a tensor of bytes: what the host tells the step,
// and what the step finds out. Plain code that host and device compilers read alike.
//
// The host writes them before a step and reads them when the next one is on its way: it never waits for a step to say how
// the next begins.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace gradus {

struct StepNumbers {
  static constexpr size_t max_losses = 4;

  // --- from the host, before each step ---
  std::array<float, max_losses>
      loss_factors{};  // of the losses that a step adds up, each a sum: 1 / their weight
  // Where the step before was skipped it is `learning_rate_after_skip`, which the step then puts in its place: when the host
  // writes it does not know yet.
  float learning_rate = 0;
  float learning_rate_after_skip = 0;
  int32_t step = 0;  // of the run; with micro_step the place that dropout masks depend on

  // --- from the host, before each micro-step ---
  int32_t micro_step = 0;

  // --- set by the step ---
  float loss = 0;         // the objective, summed over the micro-steps; the host sets it to 0
  float norm = 0;         // of all gradients together, before clipping
  float correction1 = 1;  // of Adam's moments: 1 - beta^updates
  float correction2 = 1;
  int32_t skipped = 0;  // 1: the step changed no parameter and no optimizer state

  // --- kept from step to step ---
  float loss_scale = 1;          // factor of the objective in the backward pass
  int32_t good_steps = 0;        // since the scale was last changed, where it follows the gradients
  int32_t skipped_in_a_row = 0;  // before the next step
  int32_t updates = 0;           // steps that were not skipped
  int32_t halted =
      0;  // 1: a step was skipped that is the last one; all later ones are skipped and change nothing
};

// What the host writes before a step, and what a step keeps for the next one, are a block of bytes each.
constexpr size_t step_numbers_told = offsetof(StepNumbers, norm);
constexpr size_t step_numbers_kept = offsetof(StepNumbers, loss_scale);

}  // namespace gradus
