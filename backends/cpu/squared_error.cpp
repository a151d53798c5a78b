// The squared error of one number per row. A batch has few rows: one thread computes them.
#include <algorithm>

#include "backends/cpu/backend.h"

namespace gradus::cpu {

void CpuBackend::squared_error_forward(const SquaredErrorForward& args) {
  const float* const prediction = args.predictions.data<float>();
  const float* const target = args.targets.data<float>();
  double sum = 0;
  for (int64_t r = 0; r < args.targets.elements(); ++r) {
    const double error = static_cast<double>(prediction[r]) - target[r];
    sum += error * error;
  }
  *args.loss.data<float>() = static_cast<float>(sum);
}

void CpuBackend::squared_error_backward(const SquaredErrorBackward& args) {
  const int64_t count = args.targets.elements();
  const float scale = 2 * *args.dloss.data<float>();
  const float* const prediction = args.predictions.data<float>();
  const float* const target = args.targets.data<float>();
  float* const dx = args.dpredictions.tensor.data<float>();
  if (!args.dpredictions.accumulate) std::fill_n(dx, args.predictions.elements(), 0.0F);
  for (int64_t r = 0; r < count; ++r) dx[r] += scale * (prediction[r] - target[r]);
}

}  // namespace gradus::cpu
