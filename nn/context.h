// What a forward pass needs to know besides its inputs.
#pragma once

#include "core/random.h"
#include "core/tensor.h"

namespace gradus {

struct Context {
  bool training = false;                // dropout happens only then
  DType compute_type = DType::float32;  // of the encoder's activations and products
  RandomStream random;                  // hands each dropout of the pass its own stream

  // The mask of the next dropout; inactive outside training.
  Dropout dropout(float probability) {
    return training && probability > 0 ? random.next_dropout(probability) : Dropout{};
  }
};

}  // namespace gradus
