// The squared error of one number per row. A batch has few rows: one thread computes them.
#include <algorithm>

#include "backends/cpu/backend.h"

namespace gradus::cpu {

void CpuBackend::squared_error_forward(const Tensor& predictions, const Tensor& targets, float normalizer,
                                       const Tensor& loss) {
  const float* const prediction = predictions.data<float>();
  const float* const target = targets.data<float>();
  double sum = 0;
  for (int64_t r = 0; r < targets.elements(); ++r) {
    const double error = static_cast<double>(prediction[r]) - target[r];
    sum += error * error;
  }
  *loss.data<float>() = static_cast<float>(sum / normalizer);
}

void CpuBackend::squared_error_backward(const Tensor& dloss, const Tensor& predictions, const Tensor& targets,
                                        float normalizer, Grad dpredictions) {
  const int64_t count = targets.elements();
  const float scale = 2 * *dloss.data<float>() / normalizer;
  const float* const prediction = predictions.data<float>();
  const float* const target = targets.data<float>();
  float* const dx = dpredictions.tensor.data<float>();
  if (!dpredictions.accumulate) std::fill_n(dx, predictions.elements(), 0.0F);
  for (int64_t r = 0; r < count; ++r) dx[r] += scale * (prediction[r] - target[r]);
}

}  // namespace gradus::cpu
