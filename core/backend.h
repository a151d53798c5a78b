// The backend interface: memory and every kernel, each forward beside its backward.
//
// A backend is a class that implements all of this; a missing kernel is a compile error. Operators in
// autograd/ check shapes and types before they call a kernel, so kernels may trust their arguments.
//
// Shapes: B sequences, T packed tokens, H hidden size, N heads, D = H / N head size, V vocabulary, K tags,
// I and O inputs and outputs of a linear map. "float" is float32 or bfloat16, the same for all tensors of a
// call; statistics, losses, parameters and their gradients are always float32.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/dtype.h"
#include "core/random.h"
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
  int64_t longest = 0;  // length of the longest sequence

  int64_t count() const { return offsets.elements() - 1; }
};

// One table of an embedding sum.
struct Lookup {
  Tensor table;  // float [V, H]
  Tensor ids;    // int32 [T], each in [0, V)
};

// A published tensor's place in a flat buffer, in elements.
struct Segment {
  int64_t offset = 0;
  int64_t size = 0;
  bool decay = true;  // whether weight decay applies to it
};

// One AdamW update (Loshchilov & Hutter 2019, arXiv:1711.05101, algorithm 2, decay scaled by the learning
// rate):
//   m = beta1 m + (1 - beta1) g,  v = beta2 v + (1 - beta2) g^2
//   p -= learning_rate (m / correction1 / (sqrt(v / correction2) + eps) + weight_decay p)
// Corrections of 1 give the AdamWeightDecay of the BERT reference code.
struct AdamStep {
  float learning_rate = 0;
  float beta1 = 0.9F;
  float beta2 = 0.999F;
  float eps = 1e-8F;
  float weight_decay = 0;
  float correction1 = 1;
  float correction2 = 1;
};

struct MemoryUse {
  size_t current = 0;  // bytes in live tensors
  size_t peak = 0;     // the most `current` has been since the last reset_peak
};

class Backend {
 public:
  virtual ~Backend() = default;

  virtual std::string name() const = 0;         // as in --device_target: "CPU"
  virtual std::string description() const = 0;  // processor, instruction set, library versions, threads
  // Why this machine can't compute in `dtype`; empty when it can.
  virtual std::string unsupported(DType dtype) const = 0;
  // How many threads compute; 0: one per processor. Returns how many the system gives, which may be fewer.
  virtual int set_threads(int threads) = 0;

  // --- memory ------------------------------------------------------------------------------------
  // Throws Error when there is not enough. Alignment is 64 bytes or more. Fresh memory is not cleared.
  virtual void* allocate(size_t bytes) = 0;
  // The same with every byte zero, which costs nothing where the memory comes clear from the system.
  virtual void* allocate_zeroed(size_t bytes) = 0;
  virtual void deallocate(void* data, size_t bytes) noexcept = 0;
  virtual MemoryUse memory() const = 0;
  virtual void reset_peak() = 0;
  virtual void copy_from_host(const void* source, const Tensor& target) = 0;
  virtual void copy_to_host(const Tensor& source, void* target) = 0;
  virtual void fill_zero(const Tensor& x) = 0;
  // y = x, between float32 and bfloat16 or within one of them.
  virtual void cast(const Tensor& x, Grad y) = 0;
  // Number of elements of a float tensor that are infinite or not a number.
  virtual int64_t count_nonfinite(const Tensor& x) = 0;

  // --- point-wise --------------------------------------------------------------------------------
  // y = a + b, all of one shape.
  virtual void add_forward(const Tensor& a, const Tensor& b, const Tensor& y) = 0;
  // da = dy, db = dy.
  virtual void add_backward(const Tensor& dy, Grad da, Grad db) = 0;
  virtual void activation_forward(const Tensor& x, Activation kind, const Tensor& y) = 0;
  // dx = dy * f'(x). When `y` is not empty it receives f(x) again, which costs little beside the derivative.
  virtual void activation_backward(const Tensor& dy, const Tensor& x, Activation kind, Grad dx,
                                   const Tensor& y) = 0;
  // y = x * mask * scale; rows and columns of the mask are those of x folded to [rows, last].
  virtual void dropout_forward(const Tensor& x, const Dropout& dropout, const Tensor& y) = 0;
  virtual void dropout_backward(const Tensor& dy, const Dropout& dropout, Grad dx) = 0;

  // --- linear ------------------------------------------------------------------------------------
  // y = f(x w^T + b).  x float [T, I]; w float [O, I]; b float32 [O] or empty; y float [T, O].
  virtual void linear_forward(const Tensor& x, const Tensor& w, const Tensor& b, Activation kind,
                              const Tensor& y) = 0;
  // Of y = x w^T + b, without activation: dx = dy w, dw = dy^T x, db = column sums of dy. dw and db are
  // float32.
  virtual void linear_backward(const Tensor& dy, const Tensor& x, const Tensor& w, Grad dx, Grad dw,
                               Grad db) = 0;

  // --- rows --------------------------------------------------------------------------------------
  // y[t] = sum over the lookups of table[ids[t]].  y float [T, H].
  virtual void embedding_forward(std::span<const Lookup> lookups, const Tensor& y) = 0;
  // dtable[ids[t]] += dy[t], summed in token order. dtable is float32 [V, H]; it is always added to.
  virtual void embedding_backward(const Tensor& dy, const Tensor& ids, const Tensor& dtable) = 0;
  // y[i] = x[rows[i]], zeros where rows[i] is negative.  x float [T, H]; rows int32 [R], each below T, none twice
  // but negative ones; y float [R, H].
  virtual void gather_rows_forward(const Tensor& x, const Tensor& rows, const Tensor& y) = 0;
  // dx[rows[i]] = dy[i] where rows[i] is not negative, and zero for the rows not named (unless dx accumulates).
  virtual void gather_rows_backward(const Tensor& dy, const Tensor& rows, Grad dx) = 0;

  // --- layer norm --------------------------------------------------------------------------------
  // s = dropout(x) + residual;  y = (s - mean) rstd gamma + beta over the last axis, rstd = 1 / sqrt(var +
  // eps). Ba et al. 2016, arXiv:1607.06450. `residual` may be empty. `sum` receives s unless it is empty,
  // which is allowed only without residual and dropout. gamma, beta float32 [H]; mean, rstd float32 [T] or
  // both empty.
  virtual void layer_norm_forward(const Tensor& x, const Tensor& residual, const Dropout& dropout,
                                  const Tensor& gamma, const Tensor& beta, float eps, const Tensor& sum,
                                  const Tensor& y, const Tensor& mean, const Tensor& rstd) = 0;
  // With s as above: dresidual = ds, dx = ds * mask * scale.
  virtual void layer_norm_backward(const Tensor& dy, const Tensor& sum, const Tensor& gamma,
                                   const Tensor& mean, const Tensor& rstd, const Dropout& dropout, Grad dx,
                                   Grad dresidual, Grad dgamma, Grad dbeta) = 0;

  // --- attention ---------------------------------------------------------------------------------
  // Scaled dot-product self-attention within each sequence (Vaswani et al. 2017, arXiv:1706.03762, equation
  // 1), all heads: context = dropout(softmax(q k^T / sqrt(D))) v. The scores are never stored. qkv float [T,
  // 3 H], a row being q, k, v of H each, heads side by side; context float [T, H]; lse float32 [T, N], the
  // log-sum-exp of each row of scaled scores, or empty. The dropout mask's row is t * N + n, its column the
  // key's position within the sequence.
  virtual void attention_forward(const Tensor& qkv, const Packing& packing, int64_t heads,
                                 const Dropout& dropout, const Tensor& context, const Tensor& lse) = 0;
  virtual void attention_backward(const Tensor& dcontext, const Tensor& qkv, const Tensor& context,
                                  const Tensor& lse, const Packing& packing, int64_t heads,
                                  const Dropout& dropout, Grad dqkv) = 0;

  // --- losses and predictions --------------------------------------------------------------------
  // loss = sum over rows with label >= 0 of w[label] (lse - logits[label]) / normalizer. logits float32 [R, K];
  // labels int32 [R], below K, negative for rows without one; class weights w float32 [K], or empty for 1
  // each; loss float32 [1]; lse float32 [R], the log-sum-exp of each row.
  virtual void cross_entropy_forward(const Tensor& logits, const Tensor& labels, const Tensor& class_weights,
                                     float normalizer, const Tensor& loss, const Tensor& lse) = 0;
  virtual void cross_entropy_backward(const Tensor& dloss, const Tensor& logits, const Tensor& labels,
                                      const Tensor& class_weights, float normalizer, const Tensor& lse,
                                      Grad dlogits) = 0;
  // loss = sum over r < C of (predictions[r] - targets[r])^2 / normalizer. predictions float32 [R, 1]; targets
  // float32 [C], C at most R: the rows after them do not count; loss float32 [1].
  virtual void squared_error_forward(const Tensor& predictions, const Tensor& targets, float normalizer,
                                     const Tensor& loss) = 0;
  virtual void squared_error_backward(const Tensor& dloss, const Tensor& predictions, const Tensor& targets,
                                      float normalizer, Grad dpredictions) = 0;
  // A softmax over the rows of each sequence, for each of two columns c: loss = sum over b, c with positions[b, c]
  // >= 0 of (lse[b, c] - logits[offsets[b] + positions[b, c], c]) / normalizer. logits float32 [T, 2]; positions
  // int32 [B, 2], negative for those that do not count; loss float32 [1]; lse float32 [B, 2], the log-sum-exp of
  // each sequence's column. Throws Error on a position past the end of its sequence.
  virtual void span_cross_entropy_forward(const Tensor& logits, const Packing& packing,
                                          const Tensor& positions, float normalizer, const Tensor& loss,
                                          const Tensor& lse) = 0;
  virtual void span_cross_entropy_backward(const Tensor& dloss, const Tensor& logits, const Packing& packing,
                                           const Tensor& positions, float normalizer, const Tensor& lse,
                                           Grad dlogits) = 0;
  // Index of the largest element of each row, the lowest one among equals. x float32 [R, K]; y int32 [R].
  virtual void argmax(const Tensor& x, const Tensor& y) = 0;

  // --- LSTM --------------------------------------------------------------------------------------
  // The recurrence of an LSTM (Hochreiter & Schmidhuber 1997; gates in the order i, f, g, o) over packed
  // sequences, in one direction or two, the second from the end to the start. All float32. P directions, h
  // units each: z = gates_x + h_prev w_hh^T;  i, f, o = sigmoid, g = tanh;  c = f c_prev + i g;  y = o
  // tanh(c). gates_x [T, P 4 h], the input product with both biases; w_hh [P 4 h, h]; y [T, P h]; cells [T,
  // P h]; gates [T, P 4 h] receives i, f, g, o and may be the same tensor as gates_x.
  virtual void lstm_forward(const Tensor& gates_x, const Tensor& w_hh, const Packing& packing,
                            const Tensor& y, const Tensor& cells, const Tensor& gates) = 0;
  // dgates_x is overwritten, dw_hh goes where its Grad says.
  virtual void lstm_backward(const Tensor& dy, const Tensor& y, const Tensor& cells, const Tensor& gates,
                             const Tensor& w_hh, const Packing& packing, const Tensor& dgates_x,
                             Grad dw_hh) = 0;

  // --- linear-chain CRF (Lafferty et al. 2001) ---------------------------------------------------
  // score(tags) = start[tags_0] + sum_t emissions[t][tags_t] + sum_t transitions[tags_{t-1}][tags_t] +
  // end[tags_last]; loss = sum over sequences of (log-partition - score(gold)) / normalizer. All float32.
  // emissions [T, K]; tags int32 [T]; transitions [K, K] from, to; start, end [K]; loss [1]; alpha [T, K]
  // and log_z [B] keep the forward scores for the backward pass.
  virtual void crf_nll_forward(const Tensor& emissions, const Tensor& tags, const Packing& packing,
                               const Tensor& transitions, const Tensor& start, const Tensor& end,
                               float normalizer, const Tensor& loss, const Tensor& alpha,
                               const Tensor& log_z) = 0;
  virtual void crf_nll_backward(const Tensor& dloss, const Tensor& emissions, const Tensor& tags,
                                const Packing& packing, const Tensor& transitions, const Tensor& start,
                                const Tensor& end, float normalizer, const Tensor& alpha, const Tensor& log_z,
                                Grad demissions, Grad dtransitions, Grad dstart, Grad dend) = 0;
  // The best path of each sequence (Viterbi 1967), the lowest tag among equals. tags int32 [T].
  virtual void crf_viterbi(const Tensor& emissions, const Packing& packing, const Tensor& transitions,
                           const Tensor& start, const Tensor& end, const Tensor& tags) = 0;

  // --- optimizer, over flat float32 buffers ------------------------------------------------------
  // Sum of squares of each segment, in double, in an order that does not depend on the number of threads.
  virtual std::vector<double> squared_norms(const Tensor& flat, std::span<const Segment> segments) = 0;
  // Updates the segments of `parameters` with gradient * scales[segment], sets the gradients to zero, and
  // writes the bfloat16 copy of the parameters unless it is empty. Weight decay applies to segments that say
  // so.
  virtual void adam_step(const Tensor& parameters, const Tensor& gradients, const Tensor& m, const Tensor& v,
                         const Tensor& bfloat16_copy, std::span<const Segment> segments,
                         std::span<const float> scales, const AdamStep& step) = 0;
};

// Names of the backends this program knows, for --device_target and error texts.
std::vector<std::string> backend_names();
// Loads the backend of that name. It is a module of its own beside the core library, so that one build runs
// on machines with and without a GPU. Throws Error naming what is missing.
Backend& find_backend(std::string_view name);

}  // namespace gradus
