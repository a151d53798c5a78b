// Norms and the AdamW update over flat buffers.
#include "tests/naive_backend.h"
#include "tests/reference.h"

namespace gradus {

using reference::load;
using reference::Matrix;
using reference::store;

std::vector<double> NaiveBackend::squared_norms(const Tensor& flat, std::span<const Segment> segments) {
  const Matrix values = load(flat);
  std::vector<double> norms;
  for (const Segment& segment : segments) {
    double sum = 0;
    for (int64_t i = segment.offset; i < segment.offset + segment.size; ++i) sum += values[i] * values[i];
    norms.push_back(sum);
  }
  return norms;
}

void NaiveBackend::adam_step(const Tensor& parameters, const Tensor& gradients, const Tensor& m,
                             const Tensor& v, const Tensor& bfloat16_copy, std::span<const Segment> segments,
                             std::span<const float> scales, const AdamStep& step) {
  Matrix p = load(parameters);
  Matrix g = load(gradients);
  Matrix mean = load(m);
  Matrix square = load(v);
  const double beta1 = step.beta1;
  const double beta2 = step.beta2;
  for (size_t s = 0; s < segments.size(); ++s) {
    const double decay = segments[s].decay ? step.weight_decay : 0;
    for (int64_t i = segments[s].offset; i < segments[s].offset + segments[s].size; ++i) {
      const double gradient = g[i] * scales[s];
      mean[i] = beta1 * mean[i] + (1 - beta1) * gradient;
      square[i] = beta2 * square[i] + (1 - beta2) * gradient * gradient;
      const double direction =
          mean[i] / step.correction1 / (std::sqrt(square[i] / step.correction2) + step.eps);
      p[i] -= step.learning_rate * (direction + decay * p[i]);
      g[i] = 0;
    }
  }
  store(p, parameters);
  store(p, bfloat16_copy);
  store(g, gradients);
  store(mean, m);
  store(square, v);
}

}  // namespace gradus
