// Layer norm with the dropout and the residual sum before it, a row at a time while the row is in the cache.
#include <algorithm>
#include <cmath>

#include "backends/cpu/backend.h"
#include "backends/cpu/parallel.h"
#include "backends/cpu/philox.h"
#include "backends/cpu/scratch.h"
#include "backends/cpu/vector_math.h"

namespace gradus::cpu {
namespace {

constexpr int64_t grain = 16384;  // elements that are worth a thread
// Rows whose parameter gradients are summed first, whatever the number of threads.
constexpr int64_t block_rows = 32;

// s = dropout(x) + residual for one row, in float32; returns the sum of its elements. `residual` and
// `factors` may be null.
template <typename T>
float add_row(const T* x, const T* residual, const float* factors, float* s, int64_t h) {
  if (factors == nullptr) {
#pragma omp simd
    for (int64_t i = 0; i < h; ++i) s[i] = widen(x[i]);
  } else {
#pragma omp simd
    for (int64_t i = 0; i < h; ++i) s[i] = widen(x[i]) * factors[i];
  }
  if (residual != nullptr) {
#pragma omp simd
    for (int64_t i = 0; i < h; ++i) s[i] += widen(residual[i]);
  }
  float total = 0;
#pragma omp simd reduction(+ : total)
  for (int64_t i = 0; i < h; ++i) total += s[i];
  return total;
}

// Sum of (s - mean)^2: taken after the mean is known, so that nothing cancels.
float squared_deviations(const float* s, float mean, int64_t h) {
  float total = 0;
#pragma omp simd reduction(+ : total)
  for (int64_t i = 0; i < h; ++i) total += (s[i] - mean) * (s[i] - mean);
  return total;
}

// g = dy * gamma; returns the means of g and of g * xhat, where xhat = (s - mean) * rstd.
struct RowMeans {
  float g;
  float g_xhat;
};

template <typename T>
RowMeans mean_gradient(const T* dy, const T* s, const float* gamma, float mean, float rstd, int64_t h) {
  float sum_g = 0;
  float sum_g_xhat = 0;
#pragma omp simd reduction(+ : sum_g, sum_g_xhat)
  for (int64_t i = 0; i < h; ++i) {
    const float g = widen(dy[i]) * gamma[i];
    sum_g += g;
    sum_g_xhat += g * ((widen(s[i]) - mean) * rstd);
  }
  return {sum_g / static_cast<float>(h), sum_g_xhat / static_cast<float>(h)};
}

template <bool accumulate, typename T>
void put_row(const float* values, T* y, int64_t h) {
#pragma omp simd
  for (int64_t i = 0; i < h; ++i) put<accumulate>(y[i], values[i]);
}

template <typename T>
void put_row(const float* values, const Grad& y, int64_t row, int64_t h) {
  if (!y) return;
  dispatch_bool(y.accumulate,
                [&](auto accumulate) { put_row<accumulate>(values, y.tensor.data<T>() + row * h, h); });
}

// dgamma and dbeta of the rows of one block.
template <typename T>
void add_parameter_gradients(const T* dy, const T* s, float mean, float rstd, float* __restrict dgamma,
                             float* __restrict dbeta, int64_t h) {
#pragma omp simd
  for (int64_t i = 0; i < h; ++i) {
    const float g = widen(dy[i]);
    dgamma[i] += g * ((widen(s[i]) - mean) * rstd);
    dbeta[i] += g;
  }
}

// y (+)= sum over the blocks of partials[block][0, h), in their order.
void sum_partials(const float* partials, int64_t blocks, int64_t stride, const Grad& y, int64_t h) {
  if (!y) return;
  float* const out = y.tensor.data<float>();
  if (!y.accumulate) std::fill_n(out, h, 0.0F);
  for (int64_t block = 0; block < blocks; ++block) {
    const float* const partial = partials + block * stride;
#pragma omp simd
    for (int64_t i = 0; i < h; ++i) out[i] += partial[i];
  }
}

}  // namespace

void CpuBackend::layer_norm_forward(const LayerNormForward& args) {
  const DropoutMask mask = mask_of(args.dropout);
  dispatch_float(args.x.dtype(), "layer_norm", [&](auto type) {
    using T = decltype(type);
    const int64_t h = args.x.shape().last();
    const auto* g = args.gamma.data<float>();
    const auto* b = args.beta.data<float>();
    parallel_for(args.x.rows(), grain / std::max<int64_t>(h, 1), [&](int64_t begin, int64_t end) {
      thread_local Scratch scratch;
      float* s = scratch.floats(round_up(h, 16) + round_up(h, mask_chunk));
      float* factors = mask.active() ? s + round_up(h, 16) : nullptr;
      for (int64_t row = begin; row < end; ++row) {
        if (factors != nullptr) dropout_factors(mask, row, h, factors);
        const T* residual_row = args.residual ? args.residual.data<T>() + row * h : nullptr;
        const float total = add_row(args.x.data<T>() + row * h, residual_row, factors, s, h);
        const float row_mean = total / static_cast<float>(h);
        const float variance = squared_deviations(s, row_mean, h) / static_cast<float>(h);
        const float row_rstd = 1.0F / std::sqrt(variance + args.eps);
        T* y_row = args.y.data<T>() + row * h;
#pragma omp simd
        for (int64_t i = 0; i < h; ++i) store(y_row[i], (s[i] - row_mean) * row_rstd * g[i] + b[i]);
        if (args.sum) put_row<false>(s, args.sum.data<T>() + row * h, h);
        if (args.mean) args.mean.data<float>()[row] = row_mean;
        if (args.rstd) args.rstd.data<float>()[row] = row_rstd;
      }
    });
  });
}

// With g = dy * gamma: ds = rstd * (g - mean(g) - xhat * mean(g * xhat)).
void CpuBackend::layer_norm_backward(const LayerNormBackward& args) {
  const DropoutMask mask = mask_of(args.dropout);
  const int64_t h = args.dy.shape().last();
  const int64_t stride = round_up(h, 16);
  const int64_t rows = args.dy.rows();
  const int64_t blocks = ceil_div(rows, block_rows);
  const bool parameters = args.dgamma || args.dbeta;
  thread_local Scratch partial_scratch;
  float* const partials = parameters ? partial_scratch.floats(2 * stride * blocks) : nullptr;

  dispatch_float(args.dy.dtype(), "layer_norm", [&](auto type) {
    using T = decltype(type);
    const auto* gain = args.gamma.data<float>();
    parallel_for(blocks, grain / (block_rows * std::max<int64_t>(h, 1)), [&](int64_t begin, int64_t end) {
      thread_local Scratch scratch;
      float* ds = scratch.floats(stride + round_up(h, mask_chunk));
      float* factors = ds + stride;
      float* partial = nullptr;
      for (int64_t row = begin * block_rows; row < std::min(end * block_rows, rows); ++row) {
        if (parameters && row % block_rows == 0) {
          partial = partials + 2 * stride * (row / block_rows);
          std::fill_n(partial, 2 * stride, 0.0F);
        }
        const T* dy_row = args.dy.data<T>() + row * h;
        const T* s = args.sum.data<T>() + row * h;
        const float row_mean = args.mean.data<float>()[row];
        const float row_rstd = args.rstd.data<float>()[row];
        if (parameters) {
          add_parameter_gradients(dy_row, s, row_mean, row_rstd, partial, partial + stride, h);
        }
        if (!args.dx && !args.dresidual) continue;
        const RowMeans means = mean_gradient(dy_row, s, gain, row_mean, row_rstd, h);
#pragma omp simd
        for (int64_t i = 0; i < h; ++i) {
          const float xhat = (widen(s[i]) - row_mean) * row_rstd;
          ds[i] = row_rstd * (widen(dy_row[i]) * gain[i] - means.g - xhat * means.g_xhat);
        }
        put_row<T>(ds, args.dresidual, row, h);
        if (args.dx && mask.active()) {
          dropout_factors(mask, row, h, factors);
#pragma omp simd
          for (int64_t i = 0; i < h; ++i) ds[i] *= factors[i];
        }
        put_row<T>(ds, args.dx, row, h);
      }
    });
  });
  if (!parameters) return;
  sum_partials(partials, blocks, 2 * stride, args.dgamma, h);
  sum_partials(partials + stride, blocks, 2 * stride, args.dbeta, h);
}

}  // namespace gradus::cpu
