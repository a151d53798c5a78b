#include "nn/optimizer.h"

#include <algorithm>
#include <cmath>

namespace gradus {
namespace {

// The factor for all gradients together; the 1e-6 is that of PyTorch's clip_grad_norm_.
float clip_factor(double norm, float limit) {
  return static_cast<float>(std::min(1.0, static_cast<double>(limit) / (norm + 1e-6)));
}

}  // namespace

Optimizer::Optimizer(Parameters& parameters, const OptimizerConfig& config)
    : parameters_(parameters),
      config_(config),
      segments_(parameters.trained_segments()),
      m_(Tensor::zeros(parameters.backend(), parameters.values().shape())),
      v_(Tensor::zeros(parameters.backend(), parameters.values().shape())) {}

double Optimizer::step(float learning_rate) {
  Backend& backend = parameters_.backend();
  const std::vector<double> squares = backend.squared_norms(parameters_.gradients(), segments_);
  double total = 0;
  for (const double square : squares) total += square;
  const double norm = std::sqrt(total);
  if (!std::isfinite(norm)) return norm;

  std::vector<float> scales(segments_.size(), 1.0F);
  if (config_.clip == OptimizerConfig::Clip::global) {
    std::fill(scales.begin(), scales.end(), clip_factor(norm, config_.max_grad_norm));
  } else if (config_.clip == OptimizerConfig::Clip::per_tensor) {
    for (size_t i = 0; i < scales.size(); ++i)
      scales[i] = clip_factor(std::sqrt(squares[i]), config_.max_grad_norm);
  }

  ++steps_;
  AdamStep step{learning_rate, config_.beta1, config_.beta2, config_.eps, config_.weight_decay, 1, 1};
  if (config_.kind == OptimizerConfig::Kind::adamw) {
    step.correction1 = static_cast<float>(1 - std::pow(static_cast<double>(config_.beta1), steps_));
    step.correction2 = static_cast<float>(1 - std::pow(static_cast<double>(config_.beta2), steps_));
  }
  backend.adam_step(parameters_.values(), parameters_.gradients(), m_, v_, parameters_.bfloat16_copy(),
                    segments_, scales, step);
  return norm;
}

}  // namespace gradus
