// Optimizers over a model's flat buffers. Each is a row of one table: a rule of core/optimizer_rules.h and what goes with it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nn/device_step.h"
#include "nn/parameters.h"
#include "nn/schedule.h"

namespace gradus {

// A buffer that an optimizer keeps, one number per parameter.
struct OptimizerState {
  std::string_view name;  // in checkpoints
  bool is_nonnegative;    // no number in it can be below 0, for reading checkpoints
};

// An optimizer by its name: everything that sets it apart.
struct OptimizerRow {
  std::string_view name;             // as in --optimizer
  std::vector<std::string> aliases;  // what other systems call it
  std::string_view about;            // for --help
  UpdateRule rule;
  std::vector<OptimizerState> states;  // as many as the rule has
  bool bias_correction;                // of Adam's moments
  Clip clip;                           // how gradients are clipped, where a norm to clip to is given
  float max_trust_ratio;               // of LAMB; 0: none, the learning rate is the same for all tensors
  Schedule::Warmup warmup;             // how its reference counts warm-up and decay
  // Defaults of options.
  float beta1, beta2, eps, weight_decay;
  std::string_view schedule;
};

const std::vector<OptimizerRow>& optimizer_table();
// Throws Error naming those there are.
const OptimizerRow& find_optimizer(std::string_view name);
// Throws Error when the row names more states or fewer than its rule has.
void check_states(const OptimizerRow& row);

struct OptimizerConfig {
  std::string name = "adamw";  // a row of the table
  RuleNumbers numbers{0.9F, 0.999F, 1e-8F, 0.01F};
  float max_grad_norm = 1.0F;     // 0: gradients are not clipped
  std::optional<Clip> clip = {};  // nothing: as the row says
  LossScaling scaling = {};

  const OptimizerRow& row() const { return find_optimizer(name); }
  Clip clipping() const { return max_grad_norm > 0 ? clip.value_or(row().clip) : Clip::none; }
};

class Optimizer {
 public:
  // The parameters must be allocated for training and outlive the optimizer.
  Optimizer(Parameters& parameters, const OptimizerConfig& config);

  // Clips and applies the accumulated gradients, and clears them. Where they or the loss are not finite nothing else changes,
  // and `step` says skipped. Nothing waits.
  void step(const DeviceStep& step);

  // A buffer that a resumed run needs, as long as the parameters' values.
  struct State {
    std::string_view name;
    bool is_nonnegative;  // no number in it can be below 0
    Tensor values;
  };
  const std::vector<State>& states() const { return states_; }
  // Bytes of the states for parameters of so many numbers.
  static int64_t state_bytes(const OptimizerConfig& config, int64_t numbers);

 private:
  Parameters& parameters_;
  OptimizerConfig config_;
  const OptimizerRow& row_;
  Segments segments_;
  std::vector<State> states_;
  std::vector<Tensor> state_values_;
  Tensor norms_, scales_;                     // float32, one for each segment
  Tensor parameter_norms_, direction_norms_;  // likewise, with trust ratios
};

}  // namespace gradus
