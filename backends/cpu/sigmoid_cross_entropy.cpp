// The cross entropy of classes that may hold together. A batch has few rows: one thread computes them.
#include <algorithm>
#include <cmath>

#include "backends/cpu/backend.h"
#include "backends/cpu/vector_math.h"

namespace gradus::cpu {

void CpuBackend::sigmoid_cross_entropy_forward(const SigmoidCrossEntropyForward& args) {
  const float* const x = args.logits.data<float>();
  const float* const target = args.targets.data<float>();
  double sum = 0;
  for (int64_t i = 0; i < args.targets.elements(); ++i) {
    // log(1 + exp(x)) - t x, so that no exponential is large.
    const double logit = x[i];
    sum += std::max(logit, 0.0) - static_cast<double>(target[i]) * logit +
           std::log1p(std::exp(-std::abs(logit)));
  }
  *args.loss.data<float>() = static_cast<float>(sum);
}

void CpuBackend::sigmoid_cross_entropy_backward(const SigmoidCrossEntropyBackward& args) {
  const int64_t count = args.targets.elements();
  const float scale = *args.dloss.data<float>();
  const float* const x = args.logits.data<float>();
  const float* const target = args.targets.data<float>();
  float* const dx = args.dlogits.tensor.data<float>();
  dispatch_bool(args.dlogits.accumulate, [&](auto add) {
    for (int64_t i = 0; i < count; ++i) put<add>(dx[i], scale * (simd_sigmoid(x[i]) - target[i]));
    if (!add) std::fill(dx + count, dx + args.logits.elements(), 0.0F);
  });
}

}  // namespace gradus::cpu
