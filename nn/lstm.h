// A bidirectional LSTM of any depth over packed sequences. Hochreiter & Schmidhuber 1997; Graves & Schmidhuber 2005.
#pragma once

#include <vector>

#include "autograd/ops.h"
#include "nn/context.h"
#include "nn/parameters.h"

namespace gradus {

// Names, gate order (i, f, g, o) and the two biases are those of PyTorch's and MindSpore's LSTM. Initial states are
// zero; the backward direction starts at each sequence's own end.
class BiLstm {
 public:
  // `units` per direction, so the output has 2 * units columns. Dropout lies between layers.
  BiLstm(const Scope& scope, int64_t input_size, int64_t units, int64_t layers, float dropout);
  Variable forward(Context& context, const Variable& x,
                   const Packing& packing) const;  // [T, I] -> [T, 2 units]

 private:
  struct Layer {
    Parameter weight_ih, weight_hh, bias_ih, bias_hh;  // both directions stacked
  };
  std::vector<Layer> layers_;
  float dropout_;
};

}  // namespace gradus
