// Norms and updates over flat buffers.
#include <algorithm>
#include <cmath>

#include "tests/naive_backend.h"
#include "tests/reference.h"

namespace gradus {

using reference::load;
using reference::Matrix;
using reference::store;

namespace {

StepNumbers& numbers_in(const Tensor& tensor) {
  return *reinterpret_cast<StepNumbers*>(tensor.data<uint8_t>());
}

std::vector<Matrix> load_all(const std::vector<Tensor>& tensors) {
  std::vector<Matrix> all;
  for (const Tensor& tensor : tensors) all.push_back(load(tensor));
  return all;
}

void store_all(const std::vector<Matrix>& values, const std::vector<Tensor>& tensors) {
  for (size_t i = 0; i < tensors.size(); ++i) store(values[i], tensors[i]);
}

// Calls use(i, direction, rate of the segment) for each element of the segments, with `states` brought up to date.
template <typename Arguments, typename Use>
void for_each_direction(const Arguments& args, const Matrix& p, const Matrix& g, std::vector<Matrix>& states,
                        Use&& use) {
  const StepNumbers& numbers = numbers_in(args.numbers);
  const Matrix scales = load(args.scales);
  dispatch_rule(args.rule, [&](auto rule) {
    for (size_t s = 0; s < args.segments->size(); ++s) {
      const Segment& segment = (*args.segments)[s];
      const RuleContext<double> context(args.constants, numbers.correction1, numbers.correction2,
                                        segment.decay);
      for (int64_t i = segment.offset; i < segment.offset + segment.size; ++i) {
        const double gradient = g[i] * scales[static_cast<int64_t>(s)];
        if constexpr (decltype(rule)::states == 1)
          use(i, rule.direction(gradient, p[i], states[0][i], context), segment.rate);
        else use(i, rule.direction(gradient, p[i], states[0][i], states[1][i], context), segment.rate);
      }
    }
  });
}

}  // namespace

void NaiveBackend::segment_norms(const SegmentNorms& args) {
  const Matrix values = load(args.flat);
  Matrix norms(1, static_cast<int64_t>(args.segments->size()));
  for (int64_t s = 0; s < norms.size(); ++s) {
    const Segment& segment = (*args.segments)[static_cast<size_t>(s)];
    double sum = 0;
    for (int64_t i = segment.offset; i < segment.offset + segment.size; ++i) sum += values[i] * values[i];
    norms[s] = std::sqrt(sum);
  }
  store(norms, args.norms);
}

void NaiveBackend::prepare_update(const PrepareUpdate& args) {
  StepNumbers& numbers = numbers_in(args.numbers);
  Matrix norms = load(args.norms);
  double squares = 0;
  for (int64_t s = 0; s < norms.size(); ++s) {
    norms[s] /= numbers.loss_scale;
    squares += norms[s] * norms[s];
  }
  numbers.norm = static_cast<float>(std::sqrt(squares));
  const bool finite = std::isfinite(numbers.norm) && std::isfinite(numbers.loss);
  const float scale = numbers.loss_scale;
  const LossScaling& scaling = args.scaling;
  const bool follows = scaling.window > 0;
  if (numbers.skipped == 1) numbers.learning_rate = numbers.learning_rate_after_skip;
  numbers.skipped = finite && numbers.halted == 0 ? 0 : 1;
  if (numbers.halted == 1) return;
  numbers.skipped_in_a_row = finite ? 0 : numbers.skipped_in_a_row + 1;
  numbers.good_steps = finite && follows ? numbers.good_steps + 1 : 0;
  if (!finite) {
    const bool goes_on = follows && scale > 1 && numbers.skipped_in_a_row < scaling.most_skipped;
    if (goes_on) numbers.loss_scale = std::max(scale / scaling.factor, 1.0F);
    numbers.halted = goes_on ? 0 : 1;
    return;
  }
  if (follows && numbers.good_steps >= scaling.window) {
    numbers.loss_scale = std::min(scale * scaling.factor, scaling.most);
    numbers.good_steps = 0;
  }

  Matrix scales(1, norms.size());
  for (int64_t s = 0; s < norms.size(); ++s) {
    scales[s] = 1.0 / scale;
    if (args.clip == Clip::global) scales[s] *= clip_factor(std::sqrt(squares), args.max_norm);
    if (args.clip == Clip::per_tensor) scales[s] *= clip_factor(norms[s], args.max_norm);
  }
  store(scales, args.scales);
  ++numbers.updates;
  const auto correction = [&](double beta) {
    return args.bias_correction ? static_cast<float>(1 - std::pow(beta, numbers.updates)) : 1.0F;
  };
  numbers.correction1 = correction(args.rule.beta1);
  numbers.correction2 = correction(args.rule.beta2);
}

void NaiveBackend::update_parameters(const UpdateParameters& args) {
  const StepNumbers& numbers = numbers_in(args.numbers);
  if (numbers.skipped == 0) {
    Matrix p = load(args.parameters);
    std::vector<Matrix> states = load_all(args.states);
    for_each_direction(
        args, Matrix(p), load(args.gradients), states,
        [&](int64_t i, double direction, double rate) { p[i] -= numbers.learning_rate * rate * direction; });
    store(p, args.parameters);
    if (args.compute_copy) store(p, args.compute_copy);
    store_all(states, args.states);
  }
  fill_zero({args.gradients});
}

void NaiveBackend::find_direction(const FindDirection& args) {
  const Matrix g = load(args.gradients);
  Matrix directions(g.rows(), g.columns());
  if (numbers_in(args.numbers).skipped == 0) {
    std::vector<Matrix> states = load_all(args.states);
    for_each_direction(args, load(args.parameters), g, states,
                       [&](int64_t i, double direction, double) { directions[i] = direction; });
    store_all(states, args.states);
  }
  store(directions, args.gradients);
}

void NaiveBackend::apply_direction(const ApplyDirection& args) {
  const StepNumbers& numbers = numbers_in(args.numbers);
  if (numbers.skipped == 0) {
    Matrix p = load(args.parameters);
    const Matrix directions = load(args.directions);
    const Matrix parameter_norms = load(args.parameter_norms);
    const Matrix direction_norms = load(args.direction_norms);
    for (size_t s = 0; s < args.segments->size(); ++s) {
      const Segment& segment = (*args.segments)[s];
      const auto at = static_cast<int64_t>(s);
      const double ratio = trust_ratio<double>(parameter_norms[at], direction_norms[at], args.max_ratio);
      for (int64_t i = segment.offset; i < segment.offset + segment.size; ++i)
        p[i] -= numbers.learning_rate * segment.rate * ratio * directions[i];
    }
    store(p, args.parameters);
    if (args.compute_copy) store(p, args.compute_copy);
  }
  fill_zero({args.directions});
}

}  // namespace gradus
