#include "tests/bench/kernels/problems.h"

#include <algorithm>
#include <cmath>

#include "core/random.h"

namespace gradus::ladder {
namespace {

Tensor of_values(Backend& backend, const Shape& shape, DType dtype, const std::vector<float>& values) {
  const Tensor wide = Tensor::from(backend, shape, values);
  if (dtype == DType::float32) return wide;
  const Tensor tensor = Tensor::empty(backend, shape, dtype);
  backend.cast({wide, {tensor}});
  return tensor;
}

// A tensor of numbers around `mean`. They repeat, so that large ones are soon made, at a prime distance: rows differ.
Tensor drawn(Backend& backend, const Shape& shape, DType dtype, uint32_t purpose, float mean = 0) {
  constexpr size_t different = 65537;
  RandomSequence random(1, purpose);
  std::vector<float> values(static_cast<size_t>(shape.elements()));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = i < different ? mean + random.normal() : values[i - different];
  return of_values(backend, shape, dtype, values);
}

Tensor unwritten(Backend& backend, const Shape& shape, DType dtype = DType::float32) {
  return of_values(backend, shape, dtype, std::vector<float>(static_cast<size_t>(shape.elements()), NAN));
}

}  // namespace

LayerNormProblem layer_norm_problem(Backend& backend, DType dtype, int64_t rows, int64_t columns) {
  return {.x = drawn(backend, {rows, columns}, dtype, 1, 0.5F),
          .residual = drawn(backend, {rows, columns}, dtype, 2),
          .dropout = RandomStream(7).next_dropout(0.1F),
          .gamma = drawn(backend, {columns}, DType::float32, 3, 1),
          .beta = drawn(backend, {columns}, DType::float32, 4),
          .eps = 1e-12F,
          .sum = unwritten(backend, {rows, columns}, dtype),
          .y = unwritten(backend, {rows, columns}, dtype),
          .mean = unwritten(backend, {rows}),
          .rstd = unwritten(backend, {rows})};
}

CrossEntropyProblem cross_entropy_problem(Backend& backend, DType dtype, int64_t rows, int64_t columns) {
  RandomSequence random(1, 5);
  std::vector<int32_t> labels(static_cast<size_t>(rows));
  for (size_t row = 0; row < labels.size(); ++row)
    labels[row] = row % 7 == 6 ? -1 : static_cast<int32_t>(random.below(static_cast<uint32_t>(columns)));
  const std::vector<float> factor{0.5F};
  CrossEntropyProblem problem;
  problem.forward = {.logits = drawn(backend, {rows, columns}, dtype, 6),
                     .labels = Tensor::from(backend, {rows}, labels),
                     .loss = unwritten(backend, {1}),
                     .lse = unwritten(backend, {rows})};
  problem.backward = {.dloss = Tensor::from(backend, {1}, factor),
                      .logits = problem.forward.logits,
                      .labels = problem.forward.labels,
                      .lse = problem.forward.lse,
                      .dlogits = {unwritten(backend, {rows, columns}, dtype)}};
  return problem;
}

void put_in_place(CrossEntropyProblem& problem) { problem.backward.dlogits.tensor = problem.forward.logits; }

AttentionProblem attention_problem(Backend& backend, DType dtype, const std::vector<int64_t>& lengths,
                                   int64_t heads, int64_t head_size) {
  std::vector<int32_t> offsets{0};
  for (const int64_t length : lengths) offsets.push_back(offsets.back() + static_cast<int32_t>(length));
  const int64_t rows = offsets.back(), hidden = heads * head_size;
  const auto count = static_cast<int64_t>(offsets.size());
  AttentionProblem problem;
  problem.lengths = lengths;
  AttentionForward& args = problem.forward;
  args.qkv = drawn(backend, {rows, 3 * hidden}, dtype, 8);
  args.packing = {Tensor::from(backend, {count}, offsets), *std::ranges::max_element(lengths)};
  args.heads = heads;
  args.context = unwritten(backend, {rows, hidden}, dtype);
  args.lse = unwritten(backend, {rows, heads});
  return problem;
}

void solve(Backend& backend, const LayerNormProblem& problem) { backend.layer_norm_forward(problem); }
void solve(Backend& backend, const CrossEntropyProblem& problem) {
  backend.cross_entropy_forward(problem.forward);
  backend.cross_entropy_backward(problem.backward);
}
void solve(Backend& backend, const AttentionProblem& problem) { backend.attention_forward(problem.forward); }

std::vector<Tensor> results_of(const LayerNormProblem& problem) {
  return {problem.sum, problem.y, problem.mean, problem.rstd};
}
std::vector<Tensor> results_of(const CrossEntropyProblem& problem) {
  return {problem.forward.loss, problem.backward.dlogits.tensor};
}
std::vector<Tensor> results_of(const AttentionProblem& problem) {
  return {problem.forward.context, problem.forward.lse};
}

double elements_of(const LayerNormProblem& problem) { return static_cast<double>(problem.x.elements()); }
double elements_of(const CrossEntropyProblem& problem) {
  return static_cast<double>(problem.forward.logits.elements());
}
double elements_of(const AttentionProblem& problem) {
  return static_cast<double>(problem.forward.context.elements());
}

double operations_of(const AttentionProblem& problem) {
  double operations = 0;
  for (const int64_t length : problem.lengths)
    operations += 4.0 * static_cast<double>(length * length * problem.forward.context.shape().last());
  return operations;
}

}  // namespace gradus::ladder
