// What a forward pass needs to know besides its inputs.
#pragma once

#include <optional>

#include "core/random.h"
#include "core/tensor.h"

namespace gradus {

// What activations are in where products are computed in `compute_type`: whole numbers are for products alone.
inline DType activation_type(DType compute_type) {
  return compute_type == DType::int8 ? DType::float32 : compute_type;
}

struct Context {
  bool training = false;  // dropout happens only then, and what the backward pass needs is kept
  DType compute_type =
      DType::float32;  // of the encoder's activations, and of products with weights that have it
  std::optional<RandomStream> random =
      std::nullopt;           // hands each dropout of the pass its own; none: nothing is dropped
  bool recompute = false;     // encoder layers keep their input alone and run again in the backward pass
  float label_smoothing = 0;  // of the cross entropies of classes, in training

  float smoothing() const { return training ? label_smoothing : 0; }
  // The mask of the next dropout; inactive outside training.
  Dropout dropout(float probability) {
    return training && random && probability > 0 ? random->next_dropout(probability) : Dropout{};
  }
};

}  // namespace gradus
