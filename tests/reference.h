// The forward formula of every operator, in double and by the plainest loops: the mathematics that
// core/kernels.h states, and what every backend is measured against. Shapes are those of core/kernels.h. Each
// is defined in tests/naive/, beside the naive backend's kernels that use it.
#pragma once

#include <vector>

#include "core/backend.h"
#include "tests/matrix.h"

namespace gradus::reference {

// --- naive/pointwise.cpp ---
double activation(double x, Activation kind);
double activation_slope(double x, Activation kind);  // f'(x); 0 for relu at 0
// What dropout multiplies element (row, column) with: 0 where it drops, else its scale.
double dropout_factor(const Dropout& dropout, int64_t row, int64_t column);
Matrix add(const Matrix& a, const Matrix& b);
Matrix activation(const Matrix& x, Activation kind);
Matrix dropout(const Matrix& x, const Dropout& mask);

// --- naive/linear.cpp ---
Matrix linear(const Matrix& x, const Matrix& w, const Matrix& b, Activation kind = Activation::none);
// The same of w in 8 bits a row, and x in 8 bits a row.
Matrix quantized_linear(const Matrix& x, const Matrix& w, const Matrix& b, Activation kind);

// --- naive/rows.cpp ---
Matrix embedding(const std::vector<Matrix>& tables, const std::vector<std::vector<int32_t>>& ids);
Matrix gather_rows(const Matrix& x, const std::vector<int32_t>& rows);

// --- naive/layer_norm.cpp ---
struct LayerNorm {
  Matrix y, mean, rstd;
};
LayerNorm layer_norm(const Matrix& s, const Matrix& gamma, const Matrix& beta, double eps);

// --- naive/attention.cpp ---
struct Attention {
  Matrix context, lse;
};
// `relative` is empty without relative positions.
Attention attention(const Matrix& qkv, const Sequences& sequences, int64_t heads, const Dropout& dropout,
                    const Matrix& relative = {});

// --- naive/losses.cpp ---
struct CrossEntropy {
  double loss = 0;
  Matrix lse;
};
// `class_weights` is empty for 1 each.
CrossEntropy cross_entropy(const Matrix& logits, const std::vector<int32_t>& labels,
                           const Matrix& class_weights, double smoothing = 0);
double squared_error(const Matrix& predictions, const Matrix& targets);
double sigmoid_cross_entropy(const Matrix& logits, const Matrix& targets);
CrossEntropy span_cross_entropy(const Matrix& logits, const Sequences& sequences,
                                const std::vector<int32_t>& positions);

// --- naive/lstm.cpp ---
struct Lstm {
  Matrix y, cells, gates;
};
Lstm lstm(const Matrix& gates_x, const Matrix& w_hh, const Sequences& sequences);

// --- naive/crf.cpp ---
struct CrfScores {
  Matrix transitions, start, end;
};
struct CrfNll {
  double loss = 0;
  Matrix alpha, log_z;
};
// The score of the path `tags` through one sequence.
double crf_path_score(const Matrix& emissions, const std::vector<int32_t>& tags, const Sequence& sequence,
                      const CrfScores& scores);
CrfNll crf_nll(const Matrix& emissions, const std::vector<int32_t>& tags, const Sequences& sequences,
               const CrfScores& scores);

}  // namespace gradus::reference
