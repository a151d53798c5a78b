// Kernels that look at one element at a time: sums, activations, dropout, casts.
#include <algorithm>
#include <limits>

#include "backends/cpu/backend.h"
#include "backends/cpu/parallel.h"
#include "backends/cpu/philox.h"
#include "backends/cpu/point_functions.h"
#include "backends/cpu/scratch.h"
#include "backends/cpu/vector_math.h"

namespace gradus::cpu {
namespace {

constexpr int64_t grain = 16384;  // elements that are worth a thread

template <bool accumulate, typename X, typename Y>
void cast_elements(const X* x, Y* y, int64_t n) {
  parallel_for_elements(n, grain, [=](int64_t begin, int64_t end) {
#pragma omp simd
    for (int64_t i = begin; i < end; ++i) put<accumulate>(y[i], widen(x[i]));
  });
}

template <Activation kind, typename T>
void activate(const T* x, T* y, int64_t n) {
  parallel_for_elements(n, grain, [=](int64_t begin, int64_t end) {
#pragma omp simd
    for (int64_t i = begin; i < end; ++i) store(y[i], evaluate<kind>(widen(x[i])).value);
  });
}

// y may be null; then what would be written there stays in the cache. One loop for both compiles in half the time of two.
template <Activation kind, bool accumulate, typename T>
void activate_backward(const T* dy, const T* x, T* dx, T* y, int64_t n) {
  parallel_for_elements(n, grain, [=](int64_t begin, int64_t end) {
    constexpr int64_t block = 4096;
    T unread[block];
    for (int64_t start = begin; start < end; start += block) {
      const int64_t count = std::min(block, end - start);
      T* values = y == nullptr ? unread : y + start;
#pragma omp simd
      for (int64_t i = 0; i < count; ++i) {
        const Point p = evaluate<kind>(widen(x[start + i]));
        put<accumulate>(dx[start + i], widen(dy[start + i]) * p.slope);
        store(values[i], p.value);
      }
    }
  });
}

// y = x * mask * scale, or y += that.
template <bool accumulate, typename T>
void drop_elements(const T* x, const DropoutMask& mask, T* y, int64_t rows, int64_t columns) {
  parallel_for(rows, grain / std::max<int64_t>(columns, 1), [=](int64_t begin, int64_t end) {
    thread_local Scratch scratch;
    float* factors = scratch.floats(round_up(columns, mask_chunk));
    for (int64_t row = begin; row < end; ++row) {
      dropout_factors(mask, row, columns, factors);
      const T* x_row = x + row * columns;
      T* y_row = y + row * columns;
#pragma omp simd
      for (int64_t i = 0; i < columns; ++i) put<accumulate>(y_row[i], widen(x_row[i]) * factors[i]);
    }
  });
}

}  // namespace

void CpuBackend::cast(const Cast& args) {
  dispatch_float(args.x.dtype(), "cast", [&](auto from) {
    dispatch_float(args.y.tensor.dtype(), "cast", [&](auto to) {
      dispatch_bool(args.y.accumulate, [&](auto accumulate) {
        cast_elements<accumulate>(args.x.data<decltype(from)>(), args.y.tensor.data<decltype(to)>(),
                                  args.x.elements());
      });
    });
  });
}

void CpuBackend::count_nonfinite(const CountNonfinite& args) {
  dispatch_float(args.x.dtype(), "count_nonfinite", [&](auto type) {
    const auto* values = args.x.data<decltype(type)>();
    const int64_t n = args.x.elements();
    std::atomic<int64_t> count{0};
    parallel_for_elements(n, grain, [&](int64_t begin, int64_t end) {
      int64_t found = 0;
#pragma omp simd reduction(+ : found)
      for (int64_t i = begin; i < end; ++i) {
        found += (std::bit_cast<uint32_t>(widen(values[i])) & 0x7f800000U) == 0x7f800000U ? 1 : 0;
      }
      count += found;
    });
    *args.count.data<int32_t>() =
        static_cast<int32_t>(std::min<int64_t>(count, std::numeric_limits<int32_t>::max()));
  });
}

void CpuBackend::add_forward(const AddForward& args) {
  dispatch_float(args.y.dtype(), "add", [&](auto type) {
    using T = decltype(type);
    parallel_for_elements(
        args.y.elements(), grain,
        [a = args.a.data<T>(), b = args.b.data<T>(), y = args.y.data<T>()](int64_t begin, int64_t end) {
#pragma omp simd
          for (int64_t i = begin; i < end; ++i) store(y[i], widen(a[i]) + widen(b[i]));
        });
  });
}

void CpuBackend::add_backward(const AddBackward& args) {
  if (args.da) cast({args.dy, args.da});
  if (args.db) cast({args.dy, args.db});
}

void CpuBackend::activation_forward(const ActivationForward& args) {
  dispatch_float(args.x.dtype(), "activation", [&](auto type) {
    using T = decltype(type);
    dispatch_activation(args.kind, [&](auto constant) {
      activate<constant.value>(args.x.data<T>(), args.y.data<T>(), args.x.elements());
    });
  });
}

void CpuBackend::activation_backward(const ActivationBackward& args) {
  if (!args.dx) {
    if (args.y) activation_forward({args.x, args.kind, args.y});
    return;
  }
  dispatch_float(args.x.dtype(), "activation", [&](auto type) {
    using T = decltype(type);
    dispatch_activation(args.kind, [&](auto constant) {
      dispatch_bool(args.dx.accumulate, [&](auto accumulate) {
        activate_backward<constant.value, accumulate>(args.dy.data<T>(), args.x.data<T>(),
                                                      args.dx.tensor.data<T>(),
                                                      args.y ? args.y.data<T>() : nullptr, args.x.elements());
      });
    });
  });
}

void CpuBackend::dropout_forward(const DropoutForward& args) {
  dropout_backward({args.x, args.dropout, {args.y}});
}

// A mask is its own derivative, so both directions multiply by it.
void CpuBackend::dropout_backward(const DropoutBackward& args) {
  if (!args.dx) return;
  if (!args.dropout.active()) return cast({args.dy, args.dx});
  const DropoutMask mask = mask_of(args.dropout);
  dispatch_float(args.dy.dtype(), "dropout", [&](auto type) {
    using T = decltype(type);
    dispatch_bool(args.dx.accumulate, [&](auto accumulate) {
      drop_elements<accumulate>(args.dy.data<T>(), mask, args.dx.tensor.data<T>(), args.dy.rows(),
                                args.dy.shape().last());
    });
  });
}

}  // namespace gradus::cpu
