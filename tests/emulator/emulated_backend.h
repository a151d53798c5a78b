// The kernels of backends/cuda on the emulated device, as a backend. Those that are not written yet are the naive backend's.
#pragma once

#include <memory>

#include "tests/naive_backend.h"

namespace gradus {

namespace cuda {
class Products;
}

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
  X(linear_forward, LinearForward)                         \
  X(linear_backward, LinearBackward)                       \
  X(embedding_forward, EmbeddingForward)                   \
  X(embedding_backward, EmbeddingBackward)                 \
  X(gather_rows_forward, GatherRowsForward)                \
  X(gather_rows_backward, GatherRowsBackward)              \
  X(layer_norm_forward, LayerNormForward)                  \
  X(layer_norm_backward, LayerNormBackward)                \
  X(attention_forward, AttentionForward)                   \
  X(attention_backward, AttentionBackward)                 \
  X(cross_entropy_forward, CrossEntropyForward)            \
  X(cross_entropy_backward, CrossEntropyBackward)          \
  X(squared_error_forward, SquaredErrorForward)            \
  X(squared_error_backward, SquaredErrorBackward)          \
  X(span_cross_entropy_forward, SpanCrossEntropyForward)   \
  X(span_cross_entropy_backward, SpanCrossEntropyBackward) \
  X(weighted_sum_forward, WeightedSumForward)              \
  X(weighted_sum_backward, WeightedSumBackward)            \
  X(argmax, Argmax)                                        \
  X(segment_norms, SegmentNorms)                           \
  X(prepare_update, PrepareUpdate)                         \
  X(update_parameters, UpdateParameters)                   \
  X(find_direction, FindDirection)                         \
  X(apply_direction, ApplyDirection)

class EmulatedBackend final : public NaiveBackend {
 public:
  EmulatedBackend();
  ~EmulatedBackend() override;
  std::string name() const override { return "CUDA_EMULATED"; }
  std::string description() const override { return "the emulated device"; }

  GRADUS_EMULATED_KERNELS(GRADUS_OVERRIDE_KERNEL)

 private:
  std::unique_ptr<cuda::Products> products_;
};

// The one instance; it lives until the program ends, as loaded backends do.
EmulatedBackend& emulated_backend();

}  // namespace gradus
