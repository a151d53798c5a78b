// The kernels of backends/cuda on the emulated device, as a backend. Those that are not written yet are the naive backend's.
#pragma once

#include "tests/naive_backend.h"

namespace gradus {

// The kernels that the device has.
#define GRADUS_EMULATED_KERNELS(X)                         \
  X(fill_zero, FillZero)                                   \
  X(cast, Cast)                                            \
  X(count_nonfinite, CountNonfinite)                       \
  X(add_forward, AddForward)                               \
  X(add_backward, AddBackward)                             \
  X(activation_forward, ActivationForward)                 \
  X(activation_backward, ActivationBackward)               \
  X(dropout_forward, DropoutForward)                       \
  X(dropout_backward, DropoutBackward)                     \
  X(embedding_forward, EmbeddingForward)                   \
  X(gather_rows_forward, GatherRowsForward)                \
  X(gather_rows_backward, GatherRowsBackward)              \
  X(layer_norm_forward, LayerNormForward)                  \
  X(layer_norm_backward, LayerNormBackward)                \
  X(cross_entropy_forward, CrossEntropyForward)            \
  X(cross_entropy_backward, CrossEntropyBackward)          \
  X(squared_error_forward, SquaredErrorForward)            \
  X(squared_error_backward, SquaredErrorBackward)          \
  X(span_cross_entropy_forward, SpanCrossEntropyForward)   \
  X(span_cross_entropy_backward, SpanCrossEntropyBackward) \
  X(weighted_sum_forward, WeightedSumForward)              \
  X(weighted_sum_backward, WeightedSumBackward)            \
  X(argmax, Argmax)                                        \
  X(lstm_forward, LstmForward)                             \
  X(lstm_backward, LstmBackward)                           \
  X(crf_nll_forward, CrfNllForward)                        \
  X(crf_nll_backward, CrfNllBackward)                      \
  X(crf_viterbi, CrfViterbi)                               \
  X(segment_norms, SegmentNorms)                           \
  X(prepare_update, PrepareUpdate)                         \
  X(update_parameters, UpdateParameters)                   \
  X(find_direction, FindDirection)                         \
  X(apply_direction, ApplyDirection)

class EmulatedBackend final : public NaiveBackend {
 public:
  std::string name() const override { return "CUDA_EMULATED"; }
  std::string description() const override { return "the emulated device"; }

  GRADUS_EMULATED_KERNELS(GRADUS_OVERRIDE_KERNEL)
};

// The one instance; it lives until the program ends, as loaded backends do.
EmulatedBackend& emulated_backend();

}  // namespace gradus
