// The naive backend: every kernel by the plainest loops, in double, one thread, memory from malloc.
//
// It is the reference that the other backends are compared with, the proof that a backend plugs in, and the
// place to read what a kernel computes. A kernel loads its tensors as matrices of doubles, computes, and
// stores, which rounds once to the tensors' type. The kernels are in tests/naive/, a family a file.
#pragma once

#include "core/backend.h"

namespace gradus {

class NaiveBackend final : public Backend {
 public:
  std::string name() const override;
  std::string description() const override;
  std::string unsupported(DType dtype) const override;
  int set_threads(int) override { return 1; }

  // memory
  void* allocate(size_t bytes) override;
  void* allocate_zeroed(size_t bytes) override;
  void deallocate(void* data, size_t bytes) noexcept override;
  MemoryUse memory() const override { return use_; }
  void reset_peak() override { use_.peak = use_.current; }
  void copy_from_host(const void* source, const Tensor& target) override;
  void copy_to_host(const Tensor& source, void* target) override;
  void fill_zero(const Tensor& x) override;
  void cast(const Tensor& x, Grad y) override;
  int64_t count_nonfinite(const Tensor& x) override;

  // point-wise
  void add_forward(const Tensor& a, const Tensor& b, const Tensor& y) override;
  void add_backward(const Tensor& dy, Grad da, Grad db) override;
  void activation_forward(const Tensor& x, Activation kind, const Tensor& y) override;
  void activation_backward(const Tensor& dy, const Tensor& x, Activation kind, Grad dx,
                           const Tensor& y) override;
  void dropout_forward(const Tensor& x, const Dropout& dropout, const Tensor& y) override;
  void dropout_backward(const Tensor& dy, const Dropout& dropout, Grad dx) override;

  // linear
  void linear_forward(const Tensor& x, const Tensor& w, const Tensor& b, Activation kind,
                      const Tensor& y) override;
  void linear_backward(const Tensor& dy, const Tensor& x, const Tensor& w, Grad dx, Grad dw,
                       Grad db) override;

  // rows
  void embedding_forward(std::span<const Lookup> lookups, const Tensor& y) override;
  void embedding_backward(const Tensor& dy, const Tensor& ids, const Tensor& dtable) override;
  void gather_rows_forward(const Tensor& x, const Tensor& rows, const Tensor& y) override;
  void gather_rows_backward(const Tensor& dy, const Tensor& rows, Grad dx) override;

  // layer norm
  void layer_norm_forward(const Tensor& x, const Tensor& residual, const Dropout& dropout,
                          const Tensor& gamma, const Tensor& beta, float eps, const Tensor& sum,
                          const Tensor& y, const Tensor& mean, const Tensor& rstd) override;
  void layer_norm_backward(const Tensor& dy, const Tensor& sum, const Tensor& gamma, const Tensor& mean,
                           const Tensor& rstd, const Dropout& dropout, Grad dx, Grad dresidual, Grad dgamma,
                           Grad dbeta) override;

  // attention
  void attention_forward(const Tensor& qkv, const Packing& packing, int64_t heads, const Dropout& dropout,
                         const Tensor& context, const Tensor& lse) override;
  void attention_backward(const Tensor& dcontext, const Tensor& qkv, const Tensor& context, const Tensor& lse,
                          const Packing& packing, int64_t heads, const Dropout& dropout, Grad dqkv) override;

  // losses and predictions
  void cross_entropy_forward(const Tensor& logits, const Tensor& labels, const Tensor& class_weights,
                             float normalizer, const Tensor& loss, const Tensor& lse) override;
  void cross_entropy_backward(const Tensor& dloss, const Tensor& logits, const Tensor& labels,
                              const Tensor& class_weights, float normalizer, const Tensor& lse,
                              Grad dlogits) override;
  void squared_error_forward(const Tensor& predictions, const Tensor& targets, float normalizer,
                             const Tensor& loss) override;
  void squared_error_backward(const Tensor& dloss, const Tensor& predictions, const Tensor& targets,
                              float normalizer, Grad dpredictions) override;
  void span_cross_entropy_forward(const Tensor& logits, const Packing& packing, const Tensor& positions,
                                  float normalizer, const Tensor& loss, const Tensor& lse) override;
  void span_cross_entropy_backward(const Tensor& dloss, const Tensor& logits, const Packing& packing,
                                   const Tensor& positions, float normalizer, const Tensor& lse,
                                   Grad dlogits) override;
  void argmax(const Tensor& x, const Tensor& y) override;

  // LSTM
  void lstm_forward(const Tensor& gates_x, const Tensor& w_hh, const Packing& packing, const Tensor& y,
                    const Tensor& cells, const Tensor& gates) override;
  void lstm_backward(const Tensor& dy, const Tensor& y, const Tensor& cells, const Tensor& gates,
                     const Tensor& w_hh, const Packing& packing, const Tensor& dgates_x, Grad dw_hh) override;

  // linear-chain CRF (Lafferty et al. 2001)
  void crf_nll_forward(const Tensor& emissions, const Tensor& tags, const Packing& packing,
                       const Tensor& transitions, const Tensor& start, const Tensor& end, float normalizer,
                       const Tensor& loss, const Tensor& alpha, const Tensor& log_z) override;
  void crf_nll_backward(const Tensor& dloss, const Tensor& emissions, const Tensor& tags,
                        const Packing& packing, const Tensor& transitions, const Tensor& start,
                        const Tensor& end, float normalizer, const Tensor& alpha, const Tensor& log_z,
                        Grad demissions, Grad dtransitions, Grad dstart, Grad dend) override;
  void crf_viterbi(const Tensor& emissions, const Packing& packing, const Tensor& transitions,
                   const Tensor& start, const Tensor& end, const Tensor& tags) override;

  // optimizer, over flat float32 buffers
  std::vector<double> squared_norms(const Tensor& flat, std::span<const Segment> segments) override;
  void adam_step(const Tensor& parameters, const Tensor& gradients, const Tensor& m, const Tensor& v,
                 const Tensor& bfloat16_copy, std::span<const Segment> segments,
                 std::span<const float> scales, const AdamStep& step) override;

 private:
  MemoryUse use_;
};

// The one instance; it lives until the program ends, as loaded backends do.
NaiveBackend& naive_backend();

}  // namespace gradus
