// Every kernel a backend has to have, each as the values it is called with: all forwards beside their backwards.
//
// A call is a struct, so that arguments have names where a kernel is called, and so that a call can be kept: the
// test backend that only queues, a step that is recorded to be replayed, and a trace all hold these. GRADUS_KERNELS at
// the end is the one list that classes derive their functions from; a kernel without a row there can't be called, one that
// a backend lacks does not link.
//
// Operators in autograd/ check shapes and types before they call a kernel, and data are checked on the host when a batch is
// made, so kernels trust their arguments, and the host never waits for one to find out.
//
// Shapes: B sequences, T packed tokens, H hidden size, N heads, D = H / N head size, V vocabulary, K tags,
// I and O inputs and outputs of a linear map. "float" is float32, bfloat16 or float16, the same for all tensors of a
// call; statistics, losses, parameters and their gradients are always float32. Fields with a default may be left out:
// an empty tensor is one that isn't there, an empty Grad one that nobody wants.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/optimizer_rules.h"
#include "core/quantized_weight.h"
#include "core/random.h"
#include "core/step_numbers.h"
#include "core/tensor.h"

namespace gradus {

// Point-wise functions. gelu is x * Phi(x) with the error function (Hendrycks & Gimpel 2016,
// arXiv:1606.08415); gelu_tanh is its tanh approximation from the same paper; fast_gelu is x * sigmoid(1.702
// x).
enum class Activation : uint8_t { none, gelu, gelu_tanh, fast_gelu, relu, tanh };

// Where the sequences of a packed batch lie: sequence b is rows offsets[b] up to offsets[b + 1].
// The packed tensors may have more rows than offsets[B]: those belong to no sequence. Kernels that look at
// sequences write zeros there.
struct Packing {
  Tensor offsets;       // int32 [B + 1], rising from 0
  int64_t longest = 0;  // length of the longest sequence, or more (Backend::padded_length)

  int64_t count() const { return offsets.elements() - 1; }
};

// --- any tensor ----------------------------------------------------------------------------------

struct FillZero {
  Tensor x;
};
// y = x, between float32 and a 16-bit float or within one of them.
struct Cast {
  Tensor x;
  Grad y;
};
// How many elements of a float tensor are infinite or not a number: int32 [1].
struct CountNonfinite {
  Tensor x;
  Tensor count;
};

// --- point-wise ----------------------------------------------------------------------------------

// y = a + b, all of one shape.
struct AddForward {
  Tensor a, b, y;
};
// da = dy, db = dy.
struct AddBackward {
  Tensor dy;
  Grad da = {}, db = {};
};
// y = f(x).
struct ActivationForward {
  Tensor x;
  Activation kind;
  Tensor y;
};
// dx = dy * f'(x); dx may be the same tensor as dy. When `y` is not empty it receives f(x) again, which costs little beside the
// derivative.
struct ActivationBackward {
  Tensor dy, x;
  Activation kind;
  Grad dx = {};
  Tensor y = {};
};
// y = x * mask * scale; rows and columns of the mask are those of x folded to [rows, last].
struct DropoutForward {
  Tensor x;
  Dropout dropout;
  Tensor y;
};
struct DropoutBackward {
  Tensor dy;
  Dropout dropout;
  Grad dx = {};
};

// --- linear --------------------------------------------------------------------------------------

// y = f(x w^T + b).  x float [T, I]; w float [O, I]; b float32 [O] or empty; y float [T, O].
struct LinearForward {
  Tensor x, w, b;
  Activation kind;
  Tensor y;
};
// Of y = x w^T + b, without activation: dx = dy w, dw = dy^T x, db = column sums of dy. dw and db are float32.
struct LinearBackward {
  Tensor dy, x, w;
  Grad dx = {}, dw = {}, db = {};
};

// y = f(x w^T + b), with a weight in 8 bits and x rounded to 8 bits, each row of it to the 256 numbers from its least to its greatest at
// equal steps. Products of the two are summed exactly, as int32. A row of x that holds anything infinite or no number gives none.
// For evaluation: there is no gradient.  x float32 [T, I]; b float32 [O]; y float32 [T, O].
struct QuantizedLinear {
  Tensor x;
  QuantizedWeight w;
  Tensor b;
  Activation kind;
  Tensor y;
};

// --- rows ----------------------------------------------------------------------------------------

// One table of an embedding sum.
struct Lookup {
  Tensor table;  // float [V, H]
  Tensor ids;    // int32 [T], each in [0, V)
};
// y[t] = sum over the lookups of table[ids[t]].  y float [T, H].
struct EmbeddingForward {
  std::vector<Lookup> lookups;
  Tensor y;
};
// dtable[ids[t]] += dy[t], summed in token order. dtable is float32 [V, H]; it is always added to.
struct EmbeddingBackward {
  Tensor dy, ids, dtable;
};
// y[i] = x[rows[i]], zeros where rows[i] is negative.  x float [T, H]; rows int32 [R], each below T, none twice but
// negative ones; y float [R, H].
struct GatherRowsForward {
  Tensor x, rows, y;
};
// dx[rows[i]] = dy[i] where rows[i] is not negative, and zero for the rows not named (unless dx accumulates).
struct GatherRowsBackward {
  Tensor dy, rows;
  Grad dx = {};
};

// --- layer norm ----------------------------------------------------------------------------------

// s = dropout(x) + residual;  y = (s - mean) rstd gamma + beta over the last axis, rstd = 1 / sqrt(var + eps).
// Ba et al. 2016, arXiv:1607.06450. `sum` receives s unless it is empty, which is allowed only without residual and
// dropout. x, residual, y float [T, H]; gamma, beta float32 [H]; mean, rstd float32 [T] or both empty.
struct LayerNormForward {
  Tensor x;
  Tensor residual = {};
  Dropout dropout = {};
  Tensor gamma, beta;
  float eps;
  Tensor sum = {};
  Tensor y;
  Tensor mean = {}, rstd = {};
};
// With s as above: dresidual = ds, dx = ds * mask * scale.
struct LayerNormBackward {
  Tensor dy, sum, gamma, mean, rstd;
  Dropout dropout = {};
  Grad dx = {}, dresidual = {}, dgamma = {}, dbeta = {};
};

// --- attention -----------------------------------------------------------------------------------

// Scaled dot-product self-attention within each sequence (Vaswani et al. 2017, arXiv:1706.03762, equation
// 1), all heads: context = dropout(softmax(q k^T / sqrt(D))) v. The scores are never stored. qkv float [T,
// 3 H], a row being q, k, v of H each, heads side by side; context float [T, H]; lse float32 [T, N], the
// log-sum-exp of each row of scaled scores, or empty. The dropout mask's row is t * N + n, its column the
// key's position within the sequence.
//
// `relative` is a table of relative positions, float32 [2 K + 1, D], the same for all heads, or empty (Shaw et al. 2018,
// arXiv:1803.02155; Wei et al. 2019, arXiv:1909.00204): query i then meets the keys k_j + r(i, j) and the values
// v_j + r(i, j), where r(i, j) = relative[min(max(j - i, -K), K) + K].
struct AttentionForward {
  Tensor qkv;
  Packing packing;
  int64_t heads;
  Dropout dropout = {};
  Tensor relative = {};
  Tensor context;
  Tensor lse = {};
};
// With p the probabilities after dropout and s the scaled scores, drelative[r] is the sum over heads and over all i and j
// at that distance of p_ij dcontext_i + ds_ij q_i / sqrt(D).
struct AttentionBackward {
  Tensor dcontext, qkv, context, lse;
  Packing packing;
  int64_t heads;
  Dropout dropout = {};
  Tensor relative = {};
  Grad dqkv = {}, drelative = {};
};

// --- losses and predictions ----------------------------------------------------------------------
// Losses are sums, float32 [1]; what makes a mean of them is a factor on the device (WeightedSum).

// y = sum over i of losses[i] * factors[i].  losses float32 [1] each; factors float32 [n]; y float32 [1].
struct WeightedSumForward {
  std::vector<Tensor> losses;
  Tensor factors, y;
};
// dlosses[i] = dy * factors[i].
struct WeightedSumBackward {
  Tensor dy, factors;
  std::vector<Grad> dlosses;
};
// loss = sum over rows with label >= 0 of w[label] (lse - logits[label]). logits float [R, K]; labels int32 [R], below
// K, negative for rows without one; class weights w float32 [K], or empty for 1 each; lse float32 [R], the log-sum-exp
// of each row. With smoothing s it is 1 - s of that, and s times the mean over all classes k of w[k] (lse - logits[k]) (label
// smoothing: Szegedy et al. 2016, arXiv:1512.00567, section 7; class weights as in PyTorch).
struct CrossEntropyForward {
  Tensor logits, labels;
  Tensor class_weights = {};
  Tensor loss, lse;
  float smoothing = 0;
};
// dlogits has the type of the logits and may lie in their place.
struct CrossEntropyBackward {
  Tensor dloss, logits, labels;
  Tensor class_weights = {};
  Tensor lse;
  Grad dlogits = {};
  float smoothing = 0;
};
// Several classes may hold at once: loss = sum over r < C and k of log(1 + exp(x)) - targets[r, k] x with x = logits[r, k], which is
// the cross entropy of sigmoid(x) and the target. logits float32 [R, K]; targets float32 [C, K], from 0 to 1, C at most R: the rows after
// them do not count.
struct SigmoidCrossEntropyForward {
  Tensor logits, targets, loss;
};
struct SigmoidCrossEntropyBackward {
  Tensor dloss, logits, targets;
  Grad dlogits = {};
};
// loss = sum over r < C of (predictions[r] - targets[r])^2. predictions float32 [R, 1]; targets float32 [C], C at most
// R: the rows after them do not count.
struct SquaredErrorForward {
  Tensor predictions, targets, loss;
};
struct SquaredErrorBackward {
  Tensor dloss, predictions, targets;
  Grad dpredictions = {};
};
// A softmax over the rows of each sequence, for each of two columns c: loss = sum over b, c with positions[b, c]
// >= 0 of lse[b, c] - logits[offsets[b] + positions[b, c], c]. logits float32 [T, 2]; positions int32 [B, 2], within
// the sequence, negative for those that do not count; lse float32 [B, 2], the log-sum-exp of each sequence's column.
struct SpanCrossEntropyForward {
  Tensor logits;
  Packing packing;
  Tensor positions, loss, lse;
};
struct SpanCrossEntropyBackward {
  Tensor dloss, logits;
  Packing packing;
  Tensor positions, lse;
  Grad dlogits = {};
};
// Index of the largest element of each row, the lowest one among equals. x float32 [R, K]; y int32 [R].
struct Argmax {
  Tensor x, y;
};

// --- LSTM ----------------------------------------------------------------------------------------

// The recurrence of an LSTM (Hochreiter & Schmidhuber 1997; gates in the order i, f, g, o) over packed
// sequences, in one direction or two, the second from the end to the start. All float32. P directions, h
// units each: z = gates_x + h_prev w_hh^T;  i, f, o = sigmoid, g = tanh;  c = f c_prev + i g;  y = o
// tanh(c). gates_x [T, P 4 h], the input product with both biases; w_hh [P 4 h, h]; y [T, P h]; cells [T,
// P h]; gates [T, P 4 h] receives i, f, g, o and may be the same tensor as gates_x.
struct LstmForward {
  Tensor gates_x, w_hh;
  Packing packing;
  Tensor y, cells, gates;
};
// dgates_x is overwritten, dw_hh goes where its Grad says.
struct LstmBackward {
  Tensor dy, y, cells, gates, w_hh;
  Packing packing;
  Tensor dgates_x;
  Grad dw_hh = {};
};

// --- linear-chain CRF (Lafferty et al. 2001) -----------------------------------------------------

// score(tags) = start[tags_0] + sum_t emissions[t][tags_t] + sum_t transitions[tags_{t-1}][tags_t] + end[tags_last].
// All float32: transitions [K, K] from, to; start, end [K].
struct CrfScores {
  Tensor transitions, start, end;
};
// loss = sum over sequences of log-partition - score(gold).  emissions float32 [T, K]; tags int32 [T]; alpha [T, K] and
// log_z [B] keep the forward scores for the backward pass.
struct CrfNllForward {
  Tensor emissions, tags;
  Packing packing;
  CrfScores scores;
  Tensor loss, alpha, log_z;
};
struct CrfNllBackward {
  Tensor dloss, emissions, tags;
  Packing packing;
  CrfScores scores;
  Tensor alpha, log_z;
  Grad demissions = {}, dtransitions = {}, dstart = {}, dend = {};
};
// The best path of each sequence (Viterbi 1967), the lowest tag among equals. tags int32 [T].
struct CrfViterbi {
  Tensor emissions;
  Packing packing;
  CrfScores scores;
  Tensor tags;
};

// --- optimizer, over flat float32 buffers --------------------------------------------------------

// A published tensor's place in a flat buffer, in elements.
struct Segment {
  int64_t offset = 0;
  int64_t size = 0;
  bool decay = true;  // whether weight decay applies to it
  float rate = 1;     // of the learning rate that it is updated with
};
// The S tensors that are trained. A list is made once and never changes: a backend may keep a copy of its own.
using Segments = std::shared_ptr<const std::vector<Segment>>;

// The norm of each segment, float32 [S], summed in double in an order that does not depend on the number of threads.
struct SegmentNorms {
  Tensor flat;
  Segments segments;
  Tensor norms;
};

enum class Clip : uint8_t {
  none,
  global,      // all gradients together are scaled to a norm of at most max_norm (Pascanu et al. 2013)
  per_tensor,  // each published tensor on its own
};
// How the loss scale follows the gradients (Micikevicius et al. 2018, arXiv:1710.03740, section 3.2). Other systems let it
// grow without a limit.
struct LossScaling {
  float factor = 2;            // it is divided by this, down to 1, when a gradient is not finite
  int32_t window = 0;          // and multiplied after so many steps without; 0: it stays as it is
  float most = 4294967296.0F;  // what it never grows beyond: 2^32
  int32_t most_skipped = 50;   // in a row; the run is halted at the last of them
};
// From the norms of the gradients: the norm of all, the factor of each segment's gradients that takes away the loss scale and
// clips (float32 [S]), Adam's corrections, and whether the step is to be skipped: where a norm or the loss is not finite,
// and when `numbers` say halted. Then the loss scale is lowered, or where that can't be the run is halted, with the loss scale as
// it was, so that the step can be run again. After a skipped step `numbers` get the learning rate that they have for that.
struct PrepareUpdate {
  Tensor norms;    // float32 [S], of gradients that are loss_scale times too large
  Tensor numbers;  // StepNumbers
  Clip clip = Clip::global;
  float max_norm = 1;
  bool bias_correction = true;  // otherwise the corrections are 1
  RuleNumbers rule = {};
  LossScaling scaling = {};
  Tensor scales;
};
// Moves the segments of `parameters` against their direction, p -= learning_rate * rate[segment] * direction, by the rule and the
// gradients * scales[segment], and writes the copy of the parameters in the type that is computed in unless it is empty. Weight decay applies to
// segments that say so. The gradients are zero afterwards, also those of a step that is skipped.
struct UpdateParameters {
  UpdateRule rule;
  RuleNumbers constants;
  Tensor parameters, gradients;
  std::vector<Tensor> states;  // as many as the rule has
  Tensor compute_copy = {};
  Segments segments;
  Tensor scales, numbers;
};
// The first half of that, for rules that look at the direction of a whole tensor: the direction takes the gradients' place.
struct FindDirection {
  UpdateRule rule;
  RuleNumbers constants;
  Tensor parameters, gradients;
  std::vector<Tensor> states;
  Segments segments;
  Tensor scales, numbers;
};
// The second half: p -= learning_rate * rate[s] * trust_ratio(parameter_norms[s], direction_norms[s], max_ratio) * direction. The
// directions are zero afterwards.
struct ApplyDirection {
  Tensor parameters, directions;
  Tensor compute_copy = {};
  Segments segments;
  Tensor parameter_norms, direction_norms;  // float32 [S]
  float max_ratio;
  Tensor numbers;
};

}  // namespace gradus

// The one list: X(function, arguments).
#define GRADUS_KERNELS(X)                                        \
  X(fill_zero, FillZero)                                         \
  X(cast, Cast)                                                  \
  X(count_nonfinite, CountNonfinite)                             \
  X(add_forward, AddForward)                                     \
  X(add_backward, AddBackward)                                   \
  X(activation_forward, ActivationForward)                       \
  X(activation_backward, ActivationBackward)                     \
  X(dropout_forward, DropoutForward)                             \
  X(dropout_backward, DropoutBackward)                           \
  X(linear_forward, LinearForward)                               \
  X(linear_backward, LinearBackward)                             \
  X(quantized_linear, QuantizedLinear)                           \
  X(embedding_forward, EmbeddingForward)                         \
  X(embedding_backward, EmbeddingBackward)                       \
  X(gather_rows_forward, GatherRowsForward)                      \
  X(gather_rows_backward, GatherRowsBackward)                    \
  X(layer_norm_forward, LayerNormForward)                        \
  X(layer_norm_backward, LayerNormBackward)                      \
  X(attention_forward, AttentionForward)                         \
  X(attention_backward, AttentionBackward)                       \
  X(weighted_sum_forward, WeightedSumForward)                    \
  X(weighted_sum_backward, WeightedSumBackward)                  \
  X(cross_entropy_forward, CrossEntropyForward)                  \
  X(cross_entropy_backward, CrossEntropyBackward)                \
  X(squared_error_forward, SquaredErrorForward)                  \
  X(squared_error_backward, SquaredErrorBackward)                \
  X(sigmoid_cross_entropy_forward, SigmoidCrossEntropyForward)   \
  X(sigmoid_cross_entropy_backward, SigmoidCrossEntropyBackward) \
  X(span_cross_entropy_forward, SpanCrossEntropyForward)         \
  X(span_cross_entropy_backward, SpanCrossEntropyBackward)       \
  X(argmax, Argmax)                                              \
  X(lstm_forward, LstmForward)                                   \
  X(lstm_backward, LstmBackward)                                 \
  X(crf_nll_forward, CrfNllForward)                              \
  X(crf_nll_backward, CrfNllBackward)                            \
  X(crf_viterbi, CrfViterbi)                                     \
  X(segment_norms, SegmentNorms)                                 \
  X(prepare_update, PrepareUpdate)                               \
  X(update_parameters, UpdateParameters)                         \
  X(find_direction, FindDirection)                               \
  X(apply_direction, ApplyDirection)

// How classes derive their functions from it: as pure virtual ones, as overrides to be written, and as ones that do nothing.
#define GRADUS_DECLARE_KERNEL(function, Arguments) virtual void function(const Arguments& args) = 0;
#define GRADUS_OVERRIDE_KERNEL(function, Arguments) void function(const Arguments& args) override;
#define GRADUS_OMIT_KERNEL(function, Arguments) \
  void function(const Arguments&) override {}
