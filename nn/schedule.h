// Learning rates over the steps of a run.
#pragma once

#include <cstdint>

namespace gradus {

// A linear warm-up, then a polynomial decay from learning_rate to end_learning_rate.
struct Schedule {
  enum class Kind : uint8_t {
    // The warm-up reaches the full rate with step warmup_steps - 1, and the decay counts from its end. With power 1
    // this is the linear schedule of PyTorch recipes.
    from_warmup,
    // The BERT code's (google-research/bert optimization.py): the rate of step 0 is 0 when there is a warm-up, and
    // the decay counts from step 0.
    from_start,
  };
  Kind kind = Kind::from_warmup;
  double learning_rate = 0;
  double end_learning_rate = 0;
  double power = 1;
  int64_t warmup_steps = 0;
  int64_t total_steps = 1;

  // The rate of optimizer step `step`, counted from 0.
  float at(int64_t step) const;
};

}  // namespace gradus
