// Learning rates over the steps of a run.
#pragma once

#include <cstdint>

namespace gradus {

struct Schedule {
  enum class Kind : uint8_t {
    // Rises to the full rate over the warm-up, reaching it with the step numbered warmup_steps - 1, then falls
    // linearly to zero at the end of the run. The default of PyTorch recipes.
    linear,
    // The BERT code's (google-research/bert optimization.py): the rate of step 0 is 0 with a warm-up, and the
    // polynomial decay counts from step 0, not from the end of the warm-up.
    polynomial,
  };
  Kind kind = Kind::linear;
  float learning_rate = 0;
  float end_learning_rate = 0;  // polynomial only
  float power = 1;              // polynomial only
  int64_t warmup_steps = 0;
  int64_t total_steps = 1;

  // The rate of optimizer step `step`, counted from 0.
  float at(int64_t step) const;
};

}  // namespace gradus
