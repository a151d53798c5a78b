// A backend that computes nothing and counts memory: running a step on it tells what the step needs.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "core/backend.h"

namespace gradus {

// Its tensors have addresses that nobody may read or write.
class MeasuringBackend final : public Backend {
 public:
  std::string name() const override { return "measuring"; }
  std::string description() const override { return "computes nothing, counts memory"; }
  std::string unsupported(DType) const override { return ""; }
  int set_threads(int) override { return 1; }

  void* allocate(size_t bytes) override {
    use_.current += bytes;
    use_.peak = std::max(use_.peak, use_.current);
    return this;
  }
  void* allocate_zeroed(size_t bytes) override { return allocate(bytes); }
  void deallocate(void*, size_t bytes) noexcept override { use_.current -= bytes; }
  MemoryUse memory() const override { return use_; }
  void reset_peak() override { use_.peak = use_.current; }

  void copy_from_host(const void*, const Tensor&) override {}
  void copy_to_host(const Tensor&, void*) override {}
  void fill_zero(const Tensor&) override {}
  void cast(const Tensor&, Grad) override {}
  int64_t count_nonfinite(const Tensor&) override { return 0; }
  void add_forward(const Tensor&, const Tensor&, const Tensor&) override {}
  void add_backward(const Tensor&, Grad, Grad) override {}
  void activation_forward(const Tensor&, Activation, const Tensor&) override {}
  void activation_backward(const Tensor&, const Tensor&, Activation, Grad, const Tensor&) override {}
  void dropout_forward(const Tensor&, const Dropout&, const Tensor&) override {}
  void dropout_backward(const Tensor&, const Dropout&, Grad) override {}
  void linear_forward(const Tensor&, const Tensor&, const Tensor&, Activation, const Tensor&) override {}
  void linear_backward(const Tensor&, const Tensor&, const Tensor&, Grad, Grad, Grad) override {}
  void embedding_forward(std::span<const Lookup>, const Tensor&) override {}
  void embedding_backward(const Tensor&, const Tensor&, const Tensor&) override {}
  void gather_rows_forward(const Tensor&, const Tensor&, const Tensor&) override {}
  void gather_rows_backward(const Tensor&, const Tensor&, Grad) override {}
  void layer_norm_forward(const Tensor&, const Tensor&, const Dropout&, const Tensor&, const Tensor&, float,
                          const Tensor&, const Tensor&, const Tensor&, const Tensor&) override {}
  void layer_norm_backward(const Tensor&, const Tensor&, const Tensor&, const Tensor&, const Tensor&,
                           const Dropout&, Grad, Grad, Grad, Grad) override {}
  void attention_forward(const Tensor&, const Packing&, int64_t, const Dropout&, const Tensor&,
                         const Tensor&) override {}
  void attention_backward(const Tensor&, const Tensor&, const Tensor&, const Tensor&, const Packing&, int64_t,
                          const Dropout&, Grad) override {}
  void cross_entropy_forward(const Tensor&, const Tensor&, const Tensor&, float, const Tensor&,
                             const Tensor&) override {}
  void cross_entropy_backward(const Tensor&, const Tensor&, const Tensor&, const Tensor&, float,
                              const Tensor&, Grad) override {}
  void squared_error_forward(const Tensor&, const Tensor&, float, const Tensor&) override {}
  void squared_error_backward(const Tensor&, const Tensor&, const Tensor&, float, Grad) override {}
  void span_cross_entropy_forward(const Tensor&, const Packing&, const Tensor&, float, const Tensor&,
                                  const Tensor&) override {}
  void span_cross_entropy_backward(const Tensor&, const Tensor&, const Packing&, const Tensor&, float,
                                   const Tensor&, Grad) override {}
  void argmax(const Tensor&, const Tensor&) override {}
  void lstm_forward(const Tensor&, const Tensor&, const Packing&, const Tensor&, const Tensor&,
                    const Tensor&) override {}
  void lstm_backward(const Tensor&, const Tensor&, const Tensor&, const Tensor&, const Tensor&,
                     const Packing&, const Tensor&, Grad) override {}
  void crf_nll_forward(const Tensor&, const Tensor&, const Packing&, const Tensor&, const Tensor&,
                       const Tensor&, float, const Tensor&, const Tensor&, const Tensor&) override {}
  void crf_nll_backward(const Tensor&, const Tensor&, const Tensor&, const Packing&, const Tensor&,
                        const Tensor&, const Tensor&, float, const Tensor&, const Tensor&, Grad, Grad, Grad,
                        Grad) override {}
  void crf_viterbi(const Tensor&, const Packing&, const Tensor&, const Tensor&, const Tensor&,
                   const Tensor&) override {}
  std::vector<double> squared_norms(const Tensor&, std::span<const Segment> segments) override {
    return std::vector<double>(segments.size());
  }
  void adam_step(const Tensor&, const Tensor&, const Tensor&, const Tensor&, const Tensor&,
                 std::span<const Segment>, std::span<const float>, const AdamStep&) override {}

 private:
  MemoryUse use_;
};

}  // namespace gradus
