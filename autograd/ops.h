// All operators. An operator checks its arguments, computes forward through the backend, and records its backward
// beside it with exactly what that needs. Every op throws Error, "[op] what is wrong: got ..., expected ...", when
// shapes or types don't fit.
//
// T packed tokens, B sequences, H hidden size, N heads, V vocabulary, K tags, R rows, I and O inputs and outputs.
// Unless said otherwise a result has the type of x, float32 or a 16-bit float; parameters are float32 and are read in the
// type of x. Each op has a row in tests/op_table/.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "autograd/variable.h"

namespace gradus {

// --- point-wise: autograd/ops/pointwise.cpp --------------------------------------------------------------------

// a + b, of one shape and type.
Variable add(const Variable& a, const Variable& b);
// f(x).
Variable activation(const Variable& x, Activation kind);
// x with elements dropped at random and the rest scaled up, in expectation x (Srivastava et al. 2014).
Variable dropout(const Variable& x, const Dropout& mask);
// x in another type. The gradient comes back in the type of x.
Variable cast(const Variable& x, DType dtype);

// --- linear maps: autograd/ops/linear.cpp ----------------------------------------------------------------------

// x w^T + b.  x [T, I]; w [O, I]; b [O] or empty; returns [T, O].
Variable linear(const Variable& x, const Variable& w, const Variable& b);
// f(x w^T + b) in one product, for evaluation: the sum before f is not kept, so there is no gradient, and an Error where one
// is wanted. In training it is `activation` after `linear`, or `activation_linear` after it where memory counts. The result
// is of the type of x, or float32.
Variable linear_activation(const Variable& x, const Variable& w, const Variable& b, Activation kind,
                           std::optional<DType> result = std::nullopt);
// f(x w^T + b) with a weight in 8 bits, for evaluation: x is rounded to 8 bits too, each row at steps of its own (QuantizedLinear). There
// is no gradient, and an Error where one is wanted.  x float32 [T, I], I from 1 to 65,536, so that sums fit; b [O]; returns float32
// [T, O].
Variable quantized_linear(const Variable& x, const QuantizedWeight& w, const Variable& b, Activation kind);
// f(x) w^T + b. Keeps x alone: f(x) is computed again in the backward pass, where it comes almost for free with f'.
Variable activation_linear(const Variable& x, Activation kind, const Variable& w, const Variable& b);

// --- rows and tables: autograd/ops/embedding.cpp ---------------------------------------------------------------

// A table of vectors and the rows wanted of it.
struct EmbeddingTable {
  Variable table;  // [V, H]
  Tensor ids;      // int32 [T], each in [0, V)
};
// Sum over the tables of table[ids[t]], in `dtype`; returns [T, H].
Variable embedding(const std::vector<EmbeddingTable>& tables, DType dtype);
// x[rows], zeros where a row number is negative.  x [T, H]; rows int32 [R], below T, none twice but negative ones;
// returns [R, H].
Variable gather_rows(const Variable& x, const Tensor& rows);

// --- normalisation: autograd/ops/layer_norm.cpp ----------------------------------------------------------------

// (x - mean) rstd gamma + beta over the last axis.  Ba et al. 2016, arXiv:1607.06450.  x [T, H]; gamma, beta [H].
Variable layer_norm(const Variable& x, const Variable& gamma, const Variable& beta, float eps);
// layer_norm(dropout(x) + residual): the end of each half of a post-norm transformer layer.  x, residual [T, H].
Variable dropout_add_layer_norm(const Variable& x, const Variable& residual, const Dropout& mask,
                                const Variable& gamma, const Variable& beta, float eps);

// --- sequences: autograd/ops/attention.cpp, autograd/ops/lstm.cpp ----------------------------------------------

// Multi-head scaled dot-product self-attention within each sequence (Vaswani et al. 2017, arXiv:1706.03762,
// section 3.2). qkv [T, 3 H]: query, key and value of a token side by side; returns [T, H].
// `relative`, float32 [2 K + 1, H / N] or empty, has a vector for each distance from a query to a key, from -K to K, which
// is added to the key and to the value; those farther apart than K have the vectors of K (Wei et al. 2019,
// arXiv:1909.00204, section 3.1). It is trained unless it is a constant.
Variable attention(const Variable& qkv, const Packing& packing, int64_t heads, const Dropout& mask,
                   const Variable& relative = {});
// The recurrence of a one- or two-directional LSTM (Hochreiter & Schmidhuber 1997), zero initial state.
// gates_x [T, P 4 h], the input product plus biases, P directions; w_hh [P 4 h, h]; returns [T, P h]. float32.
Variable lstm(const Variable& gates_x, const Variable& w_hh, const Packing& packing);

// --- losses: autograd/ops/losses.cpp ---------------------------------------------------------------------------
// Sums over what a batch holds, float32 [1]. A mean is a sum times a factor, which is that of the whole optimizer step.

// Sum over labelled rows of -w[label] log softmax(logits)[label].  logits [R, K]; labels int32 [R], below K,
// negative for rows that do not count; class weights w float32 [K], or empty for 1 each; returns [1]. `smoothing` s, at least 0 and
// below 1: (1 - s) times that, and s times the mean over all classes k of -w[k] log softmax(logits)[k] (Szegedy et al. 2016, arXiv:1512.00567,
// section 7).
Variable cross_entropy(const Variable& logits, const Tensor& labels, const Tensor& class_weights = {},
                       float smoothing = 0);
// cross_entropy of linear(x, w, b), for a vocabulary of words: the logits are held once, and in the backward pass their
// gradients take their place.  x [R, I]; w [V, I]; b [V]; labels int32 [R] as above; returns [1].
Variable linear_cross_entropy(const Variable& x, const Variable& w, const Variable& b, const Tensor& labels);
// Sum of (prediction - target)^2.  predictions [R, 1] float32; targets float32 [C], C at most R: the rows after them do
// not count; returns [1].
Variable squared_error(const Variable& predictions, const Tensor& targets);
// Of classes that may hold together: sum over r and k of -t log sigmoid(x) - (1 - t) log sigmoid(-x), x = logits[r, k] and t =
// targets[r, k].  logits [R, K] float32; targets float32 [C, K], from 0 to 1, C at most R: the rows after them do not count; returns [1].
Variable sigmoid_cross_entropy(const Variable& logits, const Tensor& targets);
// For the first and the last token of a span (Devlin et al. 2018, arXiv:1810.04805, section 4.2): sum over sequences
// b and columns c of -log softmax(logits[:, c] over the tokens of b)[positions[b, c]].  logits [T, 2] float32;
// positions int32 [B, 2], within the sequence, negative where none counts; returns [1].
Variable span_cross_entropy(const Variable& logits, const Packing& packing, const Tensor& positions);
// Negative log-likelihood of the tags under a linear-chain CRF (Lafferty et al. 2001), summed over the sequences.
// emissions [T, K] float32; tags int32 [T]; transitions [K, K] from row to column; start, end [K]; returns [1].
Variable crf_nll(const Variable& emissions, const Tensor& tags, const Packing& packing,
                 const Variable& transitions, const Variable& start, const Variable& end);
// Sum over i of losses[i] * factors[i].  losses float32 [1] each; factors float32 [n]; returns [1].
Variable weighted_sum(const std::vector<Variable>& losses, const Tensor& factors);

// --- memory: autograd/ops/recompute.cpp ------------------------------------------------------------------------

// f(x), of which only x is kept: the backward pass runs f again and then its backward (Chen et al. 2016, arXiv:1604.06174).
// f has to compute the same both times, from x, parameters and constants; it is kept until the backward pass. x [...];
// returns f(x).
Variable recompute(const std::function<Variable(const Variable&)>& f, const Variable& x);

}  // namespace gradus
