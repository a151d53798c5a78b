// What the ladders of kernels solve: a problem on a backend, all of whose outputs are NaN until a rung has written them.
#pragma once

#include <vector>

#include "core/backend.h"

namespace gradus::ladder {

// A layer norm with a residual and dropout before it, all results wanted.
using LayerNormProblem = LayerNormForward;
LayerNormProblem layer_norm_problem(Backend& backend, DType dtype, int64_t rows, int64_t columns);

// A loss and its gradient. Every seventh row has no label.
struct CrossEntropyProblem {
  CrossEntropyForward forward;
  CrossEntropyBackward backward;
};
CrossEntropyProblem cross_entropy_problem(Backend& backend, DType dtype, int64_t rows, int64_t columns);
// The gradient takes the logits' place.
void put_in_place(CrossEntropyProblem& problem);

// Self-attention without dropout over packed sequences.
struct AttentionProblem {
  AttentionForward forward;
  std::vector<int64_t> lengths;

  int64_t head_size() const { return forward.context.shape().last() / forward.heads; }
};
AttentionProblem attention_problem(Backend& backend, DType dtype, const std::vector<int64_t>& lengths,
                                   int64_t heads, int64_t head_size);

// By any backend's own kernels.
void solve(Backend& backend, const LayerNormProblem& problem);
void solve(Backend& backend, const CrossEntropyProblem& problem);
void solve(Backend& backend, const AttentionProblem& problem);

std::vector<Tensor> results_of(const LayerNormProblem& problem);
std::vector<Tensor> results_of(const CrossEntropyProblem& problem);
std::vector<Tensor> results_of(const AttentionProblem& problem);

// What bytes are counted for: numbers of x, logits, numbers of the context.
double elements_of(const LayerNormProblem& problem);
double elements_of(const CrossEntropyProblem& problem);
double elements_of(const AttentionProblem& problem);

// Multiplications and additions of the products of matrices; 0 where there is none.
inline double operations_of(const LayerNormProblem&) { return 0; }
inline double operations_of(const CrossEntropyProblem&) { return 0; }
double operations_of(const AttentionProblem& problem);

}  // namespace gradus::ladder
