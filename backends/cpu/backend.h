// The CPU backend: oneDNN for products, plain loops for the rest.
//
// The whole backend is compiled once per instruction set (baseline, avx2, avx512) into a module of its own,
// and core/backend.cpp loads the best one the processor runs. So kernels are ordinary loops that the compiler
// vectorizes, and no kernel needs a dispatch of its own.
#pragma once

#include <memory>

#include "backends/cpu/memory.h"
#include "core/backend.h"

namespace gradus::cpu {

class Gemm;

class CpuBackend final : public Backend {
 public:
  CpuBackend();
  ~CpuBackend() override;
  CpuBackend(const CpuBackend&) = delete;
  CpuBackend& operator=(const CpuBackend&) = delete;
  ~Backend() = default;
  virtual std::string name() const override;
  std::string description() const override;
  std::string unsupported(DType dtype) const override;
  void set_threads(int threads) override;

  // memory
  // ------------------------------------------------------------------------------------------------- Throws
  // Error when there is not enough. Alignment is 64 bytes or more. Fresh memory is not cleared.
  virtual void* allocate(size_t bytes) = 0;
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

  // --- point-wise
  // ----------------------------------------------------------------------------------------------- y = a +
  // b, all of one shape.
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

  // --- linear
  // --------------------------------------------------------------------------------------------------- y =
  // f(x w^T + b).  x float [T, I]; w float [O, I]; b float32 [O] or empty; y float [T, O].
  virtual void linear_forward(const Tensor& x, const Tensor& w, const Tensor& b, Activation kind,
                              const Tensor& y) = 0;
  // Of y = x w^T + b, without activation: dx = dy w, dw = dy^T x, db = column sums of dy. dw and db are
  // float32.
  virtual void linear_backward(const Tensor& dy, const Tensor& x, const Tensor& w, Grad dx, Grad dw,
                               Grad db) = 0;

  // --- rows
  //
  void embedding_forward(std::span<const Lookup> lookups, const Tensor& y) override;
  void embedding_backward(const Tensor& dy, const Tensor& ids, const Tensor& dtable) override;
  void gather_rows_forward(const Tensor& x, const Tensor& rows, const Tensor& y) override;
  void gather_rows_backward(const Tensor& dy, const Tensor& rows, Grad dx) override;

  // layer norm
  // ----------------------------------------------------------------------------------------------- s =
  // dropout(x) + residual;  y = (s - mean) rstd gamma + beta over the last axis, rstd = 1 / sqrt(var + eps).
  // Ba et al. 2016, arXiv:1607.06450. `residual` may be empty. `sum` receives s unless it is empty, which is
  // allowed only without residual and dropout. gamma, beta float32 [H]; mean, rstd float32 [T] or both empty.
  virtual void layer_norm_forward(const Tensor& x, const Tensor& residual, const Dropout& dropout,
                                  const Tensor& gamma, const Tensor& beta, float eps, const Tensor& sum,
                                  const Tensor& y, const Tensor& mean, const Tensor& rstd) = 0;
  // With s as above: dresidual = ds, dx = ds * mask * scale.
  virtual void layer_norm_backward(const Tensor& dy, const Tensor& sum, const Tensor& gamma,
                                   const Tensor& mean, const Tensor& rstd, const Dropout& dropout, Grad dx,
                                   Grad dresidual, Grad dgamma, Grad dbeta) = 0;

  // --- attention
  // ------------------------------------------------------------------------------------------------ Scaled
  // dot-product self-attention within each sequence (Vaswani et al. 2017, arXiv:1706.03762, equation 1), all
  // heads: context = dropout(softmax(q k^T / sqrt(D))) v. The scores are never stored.
  // qkv float [T, 3 H], a row being q, k, v of H each, heads side by side; context float [T, H];
  // lse float32 [T, N], the log-sum-exp of each row of scaled scores, or empty.
  // The dropout mask's row is t * N + n, its column the key's position within the sequence.
  virtual void attention_forward(const Tensor& qkv, const Packing& packing, int64_t heads,
                                 const Dropout& dropout, const Tensor& context, const Tensor& lse) = 0;
  virtual void attention_backward(const Tensor& dcontext, const Tensor& qkv, const Tensor& context,
                                  const Tensor& lse, const Packing& packing, int64_t heads,
                                  const Dropout& dropout, Grad dqkv) = 0;

  // --- losses and predictions
  // ------------------------------------------------------------------------------------- loss = sum over
  // rows with label >= 0 of (lse - logits[label]) / normalizer. logits float32 [R, K]; labels int32 [R],
  // below K, negative for rows without one; loss float32 [1]; lse float32 [R], the log-sum-exp of each row.
  virtual void cross_entropy_forward(const Tensor& logits, const Tensor& labels, float normalizer,
                                     const Tensor& loss, const Tensor& lse) = 0;
  virtual void cross_entropy_backward(const Tensor& dloss, const Tensor& logits, const Tensor& labels,
                                      float normalizer, const Tensor& lse, Grad dlogits) = 0;
  // Index of the largest element of each row, the lowest one among equals. x float32 [R, K]; y int32 [R].
  virtual void argmax(const Tensor& x, const Tensor& y) = 0;

  // --- LSTM
  //
  void lstm_forward(const Tensor& gates_x, const Tensor& w_hh, const Packing& packing, const Tensor& y,
                    const Tensor& cells, const Tensor& gates) override;
  void lstm_backward(const Tensor& dy, const Tensor& y, const Tensor& cells, const Tensor& gates,
                     const Tensor& w_hh, const Packing& packing, const Tensor& dgates_x, Grad dw_hh) override;
  void crf_nll_forward(const Tensor& emissions, const Tensor& tags, const Packing& packing,
                       const Tensor& transitions, const Tensor& start, const Tensor& end, float normalizer,
                       const Tensor& loss, const Tensor& alpha, const Tensor& log_z) override;
  void crf_nll_backward(const Tensor& dloss, const Tensor& emissions, const Tensor& tags,
                        const Packing& packing, const Tensor& transitions, const Tensor& start,
                        const Tensor& end, float normalizer, const Tensor& alpha, const Tensor& log_z,
                        Grad demissions, Grad dtransitions, Grad dstart, Grad dend) override;
  void crf_viterbi(const Tensor& emissions, const Packing& packing, const Tensor& transitions,
                   const Tensor& start, const Tensor& end, const Tensor& tags) override;
  std::vector<double> squared_norms(const Tensor& flat, std::span<const Segment> segments) override;
  void adam_step(const Tensor& parameters, const Tensor& gradients, const Tensor& m, const Tensor& v,
                 const Tensor& bfloat16_copy, std::span<const Segment> segments,
                 std::span<const float> scales, const AdamStep& step) override;

 private:
  Arena arena_;
  std::unique_ptr<Gemm> gemm_;
};

}  // namespace gradus::cpu
