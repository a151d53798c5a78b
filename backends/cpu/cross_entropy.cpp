// Softmax cross entropy, and the prediction that goes with it.
#include <cmath>
#include <limits>

#include "backends/cpu/backend.h"
#include "backends/cpu/parallel.h"
#include "backends/cpu/vector_math.h"

namespace gradus::cpu {
namespace {

// Rows of K classes that make a share worth a thread.
int64_t row_grain(int64_t classes) { return std::max<int64_t>(1, 8192 / std::max<int64_t>(classes, 1)); }

template <typename T>
float row_max(const T* __restrict row, int64_t classes) {
  float largest = -std::numeric_limits<float>::infinity();
#pragma omp simd reduction(max : largest)
  for (int64_t k = 0; k < classes; ++k) {
    const float x = widen(row[k]);
    largest = x > largest ? x : largest;
  }
  return largest;
}

// Float sums of short pieces, added in double: a vocabulary of 30,000 costs no digits.
template <typename T>
float log_sum_exp(const T* __restrict row, int64_t classes) {
  constexpr int64_t piece = 512;
  const float largest = row_max(row, classes);
  double sum = 0;
  for (int64_t begin = 0; begin < classes; begin += piece) {
    const int64_t end = std::min(begin + piece, classes);
    float part = 0;
#pragma omp simd reduction(+ : part)
    for (int64_t k = begin; k < end; ++k) part += simd_exp(widen(row[k]) - largest);
    sum += part;
  }
  return static_cast<float>(largest + std::log(sum));
}

// out = scale (softmax(row) - one-hot(label)), or added to out, which may be the row itself.
template <bool accumulate, typename T>
void row_gradient(const T* row, int64_t classes, float lse, int32_t label, float scale, T* out) {
  const float logit = widen(row[label]), before = widen(out[label]);
#pragma omp simd
  for (int64_t k = 0; k < classes; ++k) put<accumulate>(out[k], scale * simd_exp(widen(row[k]) - lse));
  // Once more for the label: the difference is rounded once.
  store(out[label], (accumulate ? before : 0.0F) + scale * (simd_exp(logit - lse) - 1));
}

// What each class has of the loss: its weight, 1 where the tensor is empty, and with smoothing a part of all others'.
class ClassWeights {
 public:
  ClassWeights(const Tensor& weights, int64_t classes, float smoothing)
      : weights_(weights ? weights.data<float>() : nullptr),
        classes_(classes),
        of_label_(1 - smoothing),
        of_each_(smoothing / static_cast<float>(classes)) {}
  bool smooth() const { return of_each_ > 0; }
  float of_label(int32_t label) const { return of_label_ * weight(label); }
  float of_any(int64_t k) const { return of_each_ * weight(k); }
  // Of all classes together, the label apart.
  float of_all() const {
    double sum = 0;
    for (int64_t k = 0; k < classes_; ++k) sum += of_any(k);
    return static_cast<float>(sum);
  }

 private:
  float weight(int64_t k) const { return weights_ != nullptr ? weights_[k] : 1.0F; }

  const float* weights_;
  int64_t classes_;
  float of_label_, of_each_;
};

// The loss of a row.
template <typename T>
double row_loss(const T* row, int64_t classes, double lse, int32_t label, const ClassWeights& weights) {
  double loss = weights.of_label(label) * (lse - widen(row[label]));
  if (weights.smooth())
    for (int64_t k = 0; k < classes; ++k) loss += weights.of_any(k) * (lse - widen(row[k]));
  return loss;
}

// out = scale (all softmax(row) - what each class has of the loss), or added to out, which may be the row itself. `all` is the sum
// of what they have.
template <bool accumulate, typename T>
void smooth_row_gradient(const T* row, int64_t classes, float lse, int32_t label, float scale,
                         const ClassWeights& weights, float of_all, T* out) {
  const float all = of_all + weights.of_label(label);
  for (int64_t k = 0; k < classes; ++k) {
    const float own = weights.of_any(k) + (k == label ? weights.of_label(label) : 0.0F);
    put<accumulate>(out[k], scale * (all * simd_exp(widen(row[k]) - lse) - own));
  }
}

}  // namespace

void CpuBackend::cross_entropy_forward(const CrossEntropyForward& args) {
  const int64_t rows = args.logits.rows();
  const int64_t classes = args.logits.shape().last();
  const int32_t* const label = args.labels.data<int32_t>();
  float* const lse_out = args.lse.data<float>();
  const ClassWeights weights(args.class_weights, classes, args.smoothing);
  dispatch_float(args.logits.dtype(), "cross_entropy", [&]<typename T>(T) {
    const T* const x = args.logits.data<T>();
    parallel_for(rows, row_grain(classes), [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) lse_out[r] = log_sum_exp(x + r * classes, classes);
    });
    double sum = 0;
    for (int64_t r = 0; r < rows; ++r) {
      if (label[r] < 0) continue;
      sum += row_loss(x + r * classes, classes, static_cast<double>(lse_out[r]), label[r], weights);
    }
    *args.loss.data<float>() = static_cast<float>(sum);
  });
}

void CpuBackend::cross_entropy_backward(const CrossEntropyBackward& args) {
  const int64_t classes = args.logits.shape().last();
  const float scale = *args.dloss.data<float>();
  const int32_t* const label = args.labels.data<int32_t>();
  const float* const lse_in = args.lse.data<float>();
  const ClassWeights weights(args.class_weights, classes, args.smoothing);
  const float of_all = weights.smooth() ? weights.of_all() : 0.0F;
  dispatch_float(args.logits.dtype(), "cross_entropy", [&]<typename T>(T) {
    const T* const x = args.logits.data<T>();
    T* const dx = args.dlogits.tensor.data<T>();
    parallel_for(args.logits.rows(), row_grain(classes), [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        T* const out = dx + r * classes;
        if (label[r] < 0) {
          if (!args.dlogits.accumulate) std::fill_n(out, classes, T{});
          continue;
        }
        dispatch_bool(args.dlogits.accumulate, [&](auto add) {
          const T* const row = x + r * classes;
          if (weights.smooth())
            smooth_row_gradient<add>(row, classes, lse_in[r], label[r], scale, weights, of_all, out);
          else row_gradient<add>(row, classes, lse_in[r], label[r], scale * weights.of_label(label[r]), out);
        });
      }
    });
  });
}

void CpuBackend::weighted_sum_forward(const WeightedSumForward& args) {
  const float* const factors = args.factors.data<float>();
  float sum = 0;
  for (size_t i = 0; i < args.losses.size(); ++i) sum += *args.losses[i].data<float>() * factors[i];
  *args.y.data<float>() = sum;
}

void CpuBackend::weighted_sum_backward(const WeightedSumBackward& args) {
  const float* const factors = args.factors.data<float>();
  for (size_t i = 0; i < args.dlosses.size(); ++i) {
    const Grad& dloss = args.dlosses[i];
    if (!dloss) continue;
    const float gradient = *args.dy.data<float>() * factors[i];
    float& target = *dloss.tensor.data<float>();
    target = dloss.accumulate ? target + gradient : gradient;
  }
}

void CpuBackend::argmax(const Argmax& args) {
  const int64_t classes = args.x.shape().last();
  const float* const in = args.x.data<float>();
  int32_t* const out = args.y.data<int32_t>();
  parallel_for(args.x.rows(), row_grain(classes), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const float* const row = in + r * classes;
      const float* const found = std::find(row, row + classes, row_max(row, classes));
      out[r] = found == row + classes ? 0 : static_cast<int32_t>(found - row);  // a row of NaN has no maximum
    }
  });
}

}  // namespace gradus::cpu
