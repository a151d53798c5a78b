#include <array>

#include "backends/cpu/backend.h"
#include "backends/cpu/gemm.h"
#include "backends/cpu/parallel.h"

namespace gradus::cpu {
namespace {

// db[o] (+)= sum over t of dy[t][o]. A thread owns a band of columns and adds its rows in order: the sums do not
// depend on the number of threads.
template <typename T>
void column_sums(const T* dy, int64_t rows, int64_t columns, float* db, bool accumulate) {
  constexpr int64_t band = 128;
  const int64_t bands = ceil_div(columns, band);
  parallel_for(bands, 1, [&](int64_t first, int64_t last) {
    for (int64_t b = first; b < last; ++b) {
      const int64_t begin = b * band;
      const int64_t width = std::min(band, columns - begin);
      std::array<float, band> sums{};
      for (int64_t t = 0; t < rows; ++t) {
        const T* row = dy + t * columns + begin;
#pragma omp simd
        for (int64_t i = 0; i < width; ++i) sums[i] += static_cast<float>(row[i]);
      }
      for (int64_t i = 0; i < width; ++i) db[begin + i] = accumulate ? db[begin + i] + sums[i] : sums[i];
    }
  });
}

}  // namespace

void CpuBackend::linear_forward(const Tensor& x, const Tensor& w, const Tensor& b, Activation kind,
                                const Tensor& y) {
  Product p;
  p.m = x.shape()[0];
  p.n = w.shape()[0];
  p.k = x.shape()[1];
  p.transpose_b = true;
  p.bias = static_cast<bool>(b);
  p.activation = kind;
  p.input = x.dtype();
  p.output = y.dtype();
  gemm_->run(p, x.raw(), w.raw(), b.data<float>(), y.raw());
}

void CpuBackend::linear_backward(const Tensor& dy, const Tensor& x, const Tensor& w, Grad dx, Grad dw,
                                 Grad db) {
  Product p;
  p.input = dy.dtype();
  if (dx) {
    p.m = dy.shape()[0];
    p.n = w.shape()[1];
    p.k = dy.shape()[1];
    p.accumulate = dx.accumulate;
    p.output = dx.tensor.dtype();
    gemm_->run(p, dy.raw(), w.raw(), nullptr, dx.tensor.raw());
  }
  if (dw) {
    p.m = dy.shape()[1];
    p.n = x.shape()[1];
    p.k = dy.shape()[0];
    p.transpose_a = true;
    p.accumulate = dw.accumulate;
    p.output = dw.tensor.dtype();
    gemm_->run(p, dy.raw(), x.raw(), nullptr, dw.tensor.raw());
  }
  if (db) {
    dispatch_float(dy.dtype(), "linear", [&]<typename T>(T) {
      column_sums(dy.data<T>(), dy.shape()[0], dy.shape()[1], db.tensor.data<float>(), db.accumulate);
    });
  }
}

}  // namespace gradus::cpu
