// Element by element: copies between types, sums, activations, dropout. All of them are bound by memory, and read and write each number
// once. Where they can, a thread takes eight at a time, 16 bytes of bfloat16 and twice that of float32.
#include <algorithm>
#include <limits>

#include "backends/cuda/activations.h"
#include "backends/cuda/dispatch.h"
#include "backends/cuda/dropout.h"
#include "backends/cuda/kernels.h"

namespace gradus::cuda {
namespace {

constexpr int at_once = 8;
constexpr int threads = 256;

// Calls f.run<n>(i) for the elements i to i + n, n being `at_once` where all of them lie in place, else 1.
// Reads b, writes b of an element that is activated; occupancy 50 % on sm_80, 50 % on sm_90.
template <typename F>
__global__ void __launch_bounds__(threads) elements(int64_t count, bool aligned, F f) {
  int64_t whole = aligned ? count / at_once : 0;
  for (int64_t i = global_thread(); i < whole; i += global_threads()) f.template run<at_once>(i * at_once);
  for (int64_t i = whole * at_once + global_thread(); i < count; i += global_threads()) f.template run<1>(i);
}

template <typename F>
void for_elements(const Stream& stream, int64_t count, const F& f) {
  if (count == 0) return;
  const int64_t items = f.aligned() ? count / at_once + at_once : count;
  launch(stream, {blocks_for(items, threads, most_blocks), dim3{threads}}, elements<F>, count, f.aligned(),
         f);
}

template <typename X, typename Y, bool accumulate>
struct CastElements {
  const X* x;
  Y* y;

  bool aligned() const { return is_aligned(x) && is_aligned(y); }
  template <int n>
  __device__ void run(int64_t i) const {
    store<accumulate>(y + i, load<n>(x + i));
  }
};

template <typename T>
struct AddElements {
  const T *a, *b;
  T* y;

  bool aligned() const { return is_aligned(a) && is_aligned(b) && is_aligned(y); }
  template <int n>
  __device__ void run(int64_t i) const {
    Pack<float, n> sum = load<n>(a + i);
    const Pack<float, n> other = load<n>(b + i);
    GRADUS_UNROLL
    for (int k = 0; k < n; ++k) sum.values[k] += other.values[k];
    store<false>(y + i, sum);
  }
};

template <typename T, Activation kind>
struct Activate {
  const T* x;
  T* y;

  bool aligned() const { return is_aligned(x) && is_aligned(y); }
  template <int n>
  __device__ void run(int64_t i) const {
    Pack<float, n> values = load<n>(x + i);
    GRADUS_UNROLL
    for (int k = 0; k < n; ++k) values.values[k] = activate<kind>(values.values[k]).value;
    store<false>(y + i, values);
  }
};

// dx may be dy; y may be null.
template <typename T, Activation kind, bool accumulate>
struct ActivateBackward {
  const T *dy, *x;
  T *dx, *y;

  bool aligned() const { return is_aligned(dy) && is_aligned(x) && is_aligned(dx) && is_aligned(y); }
  template <int n>
  __device__ void run(int64_t i) const {
    Pack<float, n> values = load<n>(x + i), slopes = load<n>(dy + i);
    GRADUS_UNROLL
    for (int k = 0; k < n; ++k) {
      const ActivationPoint point = activate<kind>(values.values[k]);
      values.values[k] = point.value;
      slopes.values[k] *= point.slope;
    }
    store<accumulate>(dx + i, slopes);
    if (y != nullptr) store<false>(y + i, values);
  }
};

// A thread draws a block of random words, and takes the elements that it serves.
// Reads b, writes b of an element; occupancy 100 % on sm_80, 100 % on sm_90.
template <typename T, bool accumulate>
__global__ void __launch_bounds__(threads) drop(const T* x, T* y, int64_t rows, int64_t columns, MaskAt at) {
  const DropoutMask mask = at.read();
  const int64_t a_row = mask_blocks(columns);
  for (int64_t i = global_thread(); i < rows * a_row; i += global_threads()) {
    const int64_t row = i / a_row, number = i % a_row;
    float factors[columns_of_block];
    mask_factors(mask, row, number, factors);
    GRADUS_UNROLL
    for (int k = 0; k < columns_of_block; ++k) {
      const int64_t column = mask_column(number, k);
      if (column >= columns) break;
      Pack<float, 1> value = load<1>(x + row * columns + column);
      value.values[0] *= factors[k];
      store<accumulate>(y + row * columns + column, value);
    }
  }
}

// Reads b of an element; occupancy 100 % on sm_80, 100 % on sm_90.
template <typename T>
__global__ void __launch_bounds__(threads)
    count_nonfinite_elements(const T* x, int64_t count, int32_t* result) {
  GRADUS_SHARED(int, scratch, 32);
  int found = 0;
  for (int64_t i = global_thread(); i < count; i += global_threads()) {
    const float value = widen(x[i]);
    found += value - value == 0 ? 0 : 1;
  }
  found = block_sum(found, scratch);
  if (threadIdx.x != 0 || found == 0) return;
  // As many as an int32 counts: the sum stops there.
  for (int32_t before = *result;;) {
    const int32_t after = before > std::numeric_limits<int32_t>::max() - found
                              ? std::numeric_limits<int32_t>::max()
                              : before + found;
    const int32_t seen = atomicCAS(result, before, after);
    if (seen == before) return;
    before = seen;
  }
}

}  // namespace

void fill_zero(const Stream& stream, const FillZero& args) { clear(stream, args.x.raw(), args.x.bytes()); }

void cast(const Stream& stream, const Cast& args) {
  const DType from_type = args.x.dtype(), to_type = args.y.tensor.dtype();
  check(from_type == to_type || from_type == DType::float32 || to_type == DType::float32,
        "[cast] no kernel from {} to {}", name_of(from_type), name_of(to_type));
  dispatch_type(from_type, "cast", [&](auto from) {
    dispatch_type(to_type, "cast", [&](auto to) {
      dispatch_bool(args.y.accumulate, [&](auto accumulate) {
        using X = decltype(from);
        using Y = decltype(to);
        for_elements(stream, args.x.elements(),
                     CastElements<X, Y, decltype(accumulate)::value>{args.x.template data<X>(),
                                                                     args.y.tensor.template data<Y>()});
      });
    });
  });
}

void count_nonfinite(const Stream& stream, const CountNonfinite& args) {
  fill_zero(stream, {args.count});
  const int64_t count = args.x.elements();
  if (count == 0) return;
  dispatch_type(args.x.dtype(), "count_nonfinite", [&](auto type) {
    using T = decltype(type);
    launch(stream, {blocks_for(count, threads, most_blocks), dim3{threads}}, count_nonfinite_elements<T>,
           args.x.template data<T>(), count, args.count.data<int32_t>());
  });
}

void add_forward(const Stream& stream, const AddForward& args) {
  dispatch_type(args.y.dtype(), "add", [&](auto type) {
    using T = decltype(type);
    for_elements(
        stream, args.y.elements(),
        AddElements<T>{args.a.template data<T>(), args.b.template data<T>(), args.y.template data<T>()});
  });
}

void add_backward(const Stream& stream, const AddBackward& args) {
  if (args.da) cast(stream, {args.dy, args.da});
  if (args.db) cast(stream, {args.dy, args.db});
}

void activation_forward(const Stream& stream, const ActivationForward& args) {
  dispatch_type(args.x.dtype(), "activation", [&](auto type) {
    using T = decltype(type);
    dispatch_activation(args.kind, [&](auto kind) {
      for_elements(stream, args.x.elements(),
                   Activate<T, decltype(kind)::value>{args.x.template data<T>(), args.y.template data<T>()});
    });
  });
}

void activation_backward(const Stream& stream, const ActivationBackward& args) {
  if (!args.dx) {
    if (args.y) activation_forward(stream, {args.x, args.kind, args.y});
    return;
  }
  dispatch_type(args.x.dtype(), "activation", [&](auto type) {
    using T = decltype(type);
    dispatch_activation(args.kind, [&](auto kind) {
      dispatch_bool(args.dx.accumulate, [&](auto accumulate) {
        for_elements(stream, args.x.elements(),
                     ActivateBackward<T, decltype(kind)::value, decltype(accumulate)::value>{
                         args.dy.template data<T>(), args.x.template data<T>(),
                         args.dx.tensor.template data<T>(), args.y ? args.y.template data<T>() : nullptr});
      });
    });
  });
}

void dropout_forward(const Stream& stream, const DropoutForward& args) {
  dropout_backward(stream, {args.x, args.dropout, {args.y}});
}

// A mask is its own derivative, so both directions multiply by it.
void dropout_backward(const Stream& stream, const DropoutBackward& args) {
  if (!args.dx) return;
  if (!args.dropout.active()) return cast(stream, {args.dy, args.dx});
  const int64_t rows = args.dy.rows(), columns = args.dy.shape().last();
  if (rows * columns == 0) return;
  dispatch_type(args.dy.dtype(), "dropout", [&](auto type) {
    using T = decltype(type);
    dispatch_bool(args.dx.accumulate, [&](auto accumulate) {
      launch(stream, {blocks_for(rows * ceil_div(columns, 128) * 16, threads, most_blocks), dim3{threads}},
             drop<T, decltype(accumulate)::value>, args.dy.template data<T>(),
             args.dx.tensor.template data<T>(), rows, columns, MaskAt(args.dropout));
    });
  });
}

}  // namespace gradus::cuda
