#include <array>

#include "backends/cpu/backend.h"
#include "backends/cpu/few_rows.h"
#include "backends/cpu/gemm.h"
#include "backends/cpu/parallel.h"
#include "backends/cpu/point_functions.h"

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

bool has_few_rows(const LinearForward& args) {
  return args.x.dtype() == DType::float32 && args.y.dtype() == DType::float32 &&
         args.x.shape()[0] <= most_few_rows && args.x.shape()[1] % vector_lanes == 0;
}

// y = f(y + b), with b or without.
template <Activation kind>
void finish_row(const float* bias, float* y, int64_t n) {
  if (bias != nullptr) {
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) y[i] = evaluate<kind>(y[i] + bias[i]).value;
  } else {
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) y[i] = evaluate<kind>(y[i]).value;
  }
}

void forward_few_rows(const LinearForward& args) {
  const int64_t rows = args.x.shape()[0], inputs = args.x.shape()[1], outputs = args.w.shape()[0];
  const auto *x = args.x.data<float>(), *w = args.w.data<float>();
  const float* bias = args.b ? args.b.data<float>() : nullptr;
  auto* y = args.y.data<float>();
  constexpr int64_t band = 64;  // columns that a thread computes at a time
  dispatch_activation(args.kind, [&](auto kind) {
    parallel_for_neighbours(ceil_div(outputs, band), [&](int64_t i, int64_t) {
      const int64_t column = i * band, width = std::min(band, outputs - column);
      multiply_few_rows(x, w + column * inputs, y + column, rows, width, inputs, outputs);
      for (int64_t row = 0; row < rows; ++row)
        finish_row<kind.value>(bias == nullptr ? nullptr : bias + column, y + row * outputs + column, width);
    });
  });
}

}  // namespace

void CpuBackend::linear_forward(const LinearForward& args) {
  if (has_few_rows(args)) return forward_few_rows(args);
  Product p;
  p.m = args.x.shape()[0];
  p.n = args.w.shape()[0];
  p.k = args.x.shape()[1];
  p.transpose_b = true;
  p.bias = static_cast<bool>(args.b);
  p.activation = args.kind;
  p.input = args.x.dtype();
  p.output = args.y.dtype();
  gemm_->run(p, args.x.raw(), args.w.raw(), args.b.data<float>(), args.y.raw());
}

void CpuBackend::linear_backward(const LinearBackward& args) {
  Product p;
  p.input = args.dy.dtype();
  if (args.dx) {
    p.m = args.dy.shape()[0];
    p.n = args.w.shape()[1];
    p.k = args.dy.shape()[1];
    p.accumulate = args.dx.accumulate;
    p.output = args.dx.tensor.dtype();
    gemm_->run(p, args.dy.raw(), args.w.raw(), nullptr, args.dx.tensor.raw());
  }
  if (args.dw) {
    p.m = args.dy.shape()[1];
    p.n = args.x.shape()[1];
    p.k = args.dy.shape()[0];
    p.transpose_a = true;
    p.accumulate = args.dw.accumulate;
    p.output = args.dw.tensor.dtype();
    gemm_->run(p, args.dy.raw(), args.x.raw(), nullptr, args.dw.tensor.raw());
  }
  if (args.db) {
    dispatch_float(args.dy.dtype(), "linear", [&]<typename T>(T) {
      column_sums(args.dy.data<T>(), args.dy.shape()[0], args.dy.shape()[1], args.db.tensor.data<float>(),
                  args.db.accumulate);
    });
  }
}

}  // namespace gradus::cpu
