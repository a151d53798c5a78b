// Optimizers over a model's flat buffers.
#pragma once

#include <cstdint>
#include <vector>

#include "nn/parameters.h"

namespace gradus {

struct OptimizerConfig {
  enum class Kind : uint8_t {
    adamw,              // bias-corrected moments (Loshchilov & Hutter 2019, arXiv:1711.05101)
    adam_weight_decay,  // without the correction, as in the BERT code
  };
  enum class Clip : uint8_t {
    none,
    global,      // all gradients together are scaled to a norm of at most max_grad_norm (Pascanu et al. 2013)
    per_tensor,  // each published tensor on its own
  };
  Kind kind = Kind::adamw;
  float beta1 = 0.9F;
  float beta2 = 0.999F;
  float eps = 1e-8F;
  float weight_decay = 0.01F;
  Clip clip = Clip::global;
  float max_grad_norm = 1.0F;
};

class Optimizer {
 public:
  // The parameters must be allocated for training and outlive the optimizer.
  Optimizer(Parameters& parameters, const OptimizerConfig& config);

  // Clips and applies the accumulated gradients, and clears them. Returns the global gradient norm before clipping.
  // When that is not finite the update is skipped: nothing changes but the gradients, which stay for inspection.
  double step(float learning_rate);

  // The state that a resumed run needs: two moments for each number, and how many steps they have seen.
  const Tensor& first_moment() const { return m_; }
  const Tensor& second_moment() const { return v_; }
  int64_t steps() const { return steps_; }
  void set_steps(int64_t steps) { steps_ = steps; }

 private:
  Parameters& parameters_;
  OptimizerConfig config_;
  std::vector<Segment> segments_;
  Tensor m_, v_;
  int64_t steps_ = 0;
};

}  // namespace gradus
