#include "nn/optimizer.h"

#include "core/joined.h"

namespace gradus {

const std::vector<OptimizerRow>& optimizer_table() {
  using Warmup = Schedule::Warmup;
  static const std::vector<OptimizerRow> table{
      {.name = "adamw",
       .aliases = {},
       .about = "corrects the bias of the moments (Loshchilov & Hutter 2019)",
       .rule = UpdateRule::adam,
       .states = {{"m", false}, {"v", true}},
       .bias_correction = true,
       .clip = Clip::global,
       .max_trust_ratio = 0,
       .warmup = Warmup::before_decay,
       .beta1 = 0.9F,
       .beta2 = 0.999F,
       .eps = 1e-8F,
       .weight_decay = 0.01F,
       .schedule = "polynomial"},
      {.name = "AdamWeightDecay",
       .aliases = {"AdamWeightDecayDynamicLR"},
       .about = "the BERT reference's, without the correction",
       .rule = UpdateRule::adam,
       .states = {{"m", false}, {"v", true}},
       .bias_correction = false,
       .clip = Clip::per_tensor,
       .max_trust_ratio = 0,
       .warmup = Warmup::within_decay,
       .beta1 = 0.9F,
       .beta2 = 0.999F,
       .eps = 1e-6F,
       .weight_decay = 0.01F,
       .schedule = "polynomial"},
      {.name = "Lamb",
       .aliases = {},
       .about = "scales the step of each tensor to its size, for large batches (You et al. 2020)",
       .rule = UpdateRule::adam,
       .states = {{"m", false}, {"v", true}},
       .bias_correction = true,
       .clip = Clip::per_tensor,
       .max_trust_ratio = 10,
       .warmup = Warmup::within_decay,
       .beta1 = 0.9F,
       .beta2 = 0.999F,
       .eps = 1e-6F,
       .weight_decay = 0.01F,
       .schedule = "polynomial"},
      {.name = "Momentum",
       .aliases = {},
       .about = "gradient descent with momentum (Polyak 1964)",
       .rule = UpdateRule::momentum,
       .states = {{"momentum", false}},
       .bias_correction = false,
       .clip = Clip::per_tensor,
       .max_trust_ratio = 0,
       .warmup = Warmup::within_decay,
       .beta1 = 0.9F,
       .beta2 = 0,
       .eps = 1e-8F,
       .weight_decay = 0,
       .schedule = "constant"},
  };
  return table;
}

const OptimizerRow& find_optimizer(std::string_view name) {
  std::vector<std::string_view> names;
  for (const OptimizerRow& row : optimizer_table()) {
    if (row.name == name) return row;
    names.push_back(row.name);
  }
  fail("[optimizer] none is named '{}': expected one of {}", name, joined(names, ", "));
}

void check_states(const OptimizerRow& row) {
  dispatch_rule(row.rule, [&](auto rule) {
    check(std::ssize(row.states) == rule.states, "[optimizer] {} names {} states, its rule has {}", row.name,
          row.states.size(), int{rule.states});
  });
}

Optimizer::Optimizer(Parameters& parameters, const OptimizerConfig& config)
    : parameters_(parameters),
      config_(config),
      row_(config_.row()),
      segments_(std::make_shared<const std::vector<Segment>>(parameters.trained_segments())) {
  Backend& backend = parameters.backend();
  check_states(row_);
  for (const OptimizerState& state : row_.states) {
    const Tensor values = Tensor::zeros(backend, parameters.values().shape());
    states_.push_back({state.name, state.is_nonnegative, values});
    state_values_.push_back(values);
  }
  const Shape one_each{std::ssize(*segments_)};
  norms_ = Tensor::empty(backend, one_each);
  scales_ = Tensor::empty(backend, one_each);
  if (row_.max_trust_ratio > 0) {
    parameter_norms_ = Tensor::empty(backend, one_each);
    direction_norms_ = Tensor::empty(backend, one_each);
  }
}

int64_t Optimizer::state_bytes(const OptimizerConfig& config, int64_t numbers) {
  return std::ssize(config.row().states) * numbers * static_cast<int64_t>(sizeof(float));
}

void Optimizer::step(const DeviceStep& step) {
  Backend& backend = parameters_.backend();
  const Tensor& values = parameters_.values();
  const Tensor& gradients = parameters_.gradients();
  backend.segment_norms({gradients, segments_, norms_});
  backend.prepare_update({.norms = norms_,
                          .numbers = step.numbers(),
                          .clip = config_.clipping(),
                          .max_norm = config_.max_grad_norm,
                          .bias_correction = row_.bias_correction,
                          .rule = config_.numbers,
                          .scaling = config_.scaling,
                          .scales = scales_});
  if (row_.max_trust_ratio <= 0) {
    backend.update_parameters({.rule = row_.rule,
                               .constants = config_.numbers,
                               .parameters = values,
                               .gradients = gradients,
                               .states = state_values_,
                               .compute_copy = parameters_.compute_copy(),
                               .segments = segments_,
                               .scales = scales_,
                               .numbers = step.numbers()});
    return;
  }
  backend.find_direction(
      {row_.rule, config_.numbers, values, gradients, state_values_, segments_, scales_, step.numbers()});
  backend.segment_norms({values, segments_, parameter_norms_});
  backend.segment_norms({gradients, segments_, direction_norms_});
  backend.apply_direction({.parameters = values,
                           .directions = gradients,
                           .compute_copy = parameters_.compute_copy(),
                           .segments = segments_,
                           .parameter_norms = parameter_norms_,
                           .direction_norms = direction_norms_,
                           .max_ratio = row_.max_trust_ratio,
                           .numbers = step.numbers()});
}

}  // namespace gradus
