// Linear maps: products by cuBLASLt, and what it does not do.
//
// Of its epilogues only the bias is used. It wants the bias in the type of the result and at a multiple of 16 bytes: a copy of it, of a few
// kilobytes, saves reading and writing the result again. The others do not fit: its gelu is the form with tanh, where the models have the one
// with the error function; its relu is max(x, 0), of which nobody says what becomes of a NaN; and its bias gradient can't be added to
// what is there.
#include "backends/cuda/activations.h"
#include "backends/cuda/dispatch.h"
#include "backends/cuda/kernels.h"
#include "backends/cuda/products.h"

namespace gradus::cuda {
namespace {

constexpr int threads = 256;
constexpr int at_once = 8;
constexpr int64_t least_slab = 64, most_slabs = 128;

// y = f(y + bias) in its place; the bias may be null. A thread takes n neighbours at a time: 2 b bytes an element of b bytes, and the
// bias from the cache.
// Reads b, writes b of an element; occupancy 62 % on sm_80, 62 % on sm_90.
template <typename T, Activation kind, int n>
__global__ void __launch_bounds__(threads) add_bias(T* y, const float* bias, int64_t count, int64_t columns) {
  const int64_t stride = global_threads() * n, step = stride % columns;
  int64_t column = global_thread() * n % columns;  // kept up by sums, which are faster than divisions
  for (int64_t i = global_thread() * n; i < count; i += stride) {
    Pack<float, n> values = load<n>(y + i);
    if (bias != nullptr) {
      const Pack<float, n> shift = load<n>(bias + column);
      GRADUS_UNROLL
      for (int k = 0; k < n; ++k) values.values[k] += shift.values[k];
    }
    GRADUS_UNROLL
    for (int k = 0; k < n; ++k) values.values[k] = activate<kind>(values.values[k]).value;
    store<false>(y + i, values);
    column += step;
    if (column >= columns) column -= columns;
  }
}

void add_bias_and_activate(const Stream& stream, const Tensor& y, const Tensor& b, Activation kind) {
  const int64_t count = y.elements(), columns = y.shape().last();
  const auto* const bias = data_of<float>(b);
  // Eight neighbours are of one row.
  const bool packs = columns % at_once == 0 && is_aligned(y.raw()) && is_aligned(bias);
  dispatch_type(y.dtype(), "linear", [&](auto type) {
    dispatch_activation(kind, [&](auto constant) {
      dispatch_bool(packs, [&](auto in_packs) {
        using T = decltype(type);
        constexpr int n = decltype(in_packs)::value ? at_once : 1;
        launch(stream, {blocks_for(count / n, threads, most_blocks), dim3{threads}},
               add_bias<T, decltype(constant)::value, n>, y.template data<T>(), bias, count, columns);
      });
    });
  });
}

// The sum of each column over a slab of rows: sums [slabs, columns]. A block takes 256 columns of a slab, a thread one of them and its rows
// in order: each number is read once, neighbours by neighbours.
// Reads b of an element; occupancy 100 % on sm_80, 100 % on sm_90.
template <typename T>
__global__ void __launch_bounds__(threads)
    sum_rows(const T* x, Target<float> sums, int64_t rows, int64_t columns, int64_t slab_rows) {
  const int64_t column = global_thread();
  if (column >= columns) return;
  const int64_t slab = blockIdx.y, first = slab * slab_rows;
  const int64_t end = first + slab_rows < rows ? first + slab_rows : rows;
  float sum = 0;
  for (int64_t row = first; row < end; ++row) sum += widen(x[row * columns + column]);
  sums.put(slab * columns + column, sum);
}

template <typename T>
void sum_columns(const Stream& stream, const T* x, int64_t rows, int64_t columns, int64_t slab_rows,
                 const Grad& sums) {
  const auto slabs = static_cast<unsigned>(std::max<int64_t>(ceil_div(rows, slab_rows), 1));
  launch(stream, {dim3{blocks_for(columns, threads).x, slabs}, dim3{threads}}, sum_rows<T>, x,
         Target<float>(sums), rows, columns, slab_rows);
}

// Many rows are summed in slabs, and then the slabs' sums.
template <typename T>
void sum_columns(const Stream& stream, const Tensor& x, const Grad& sums) {
  const int64_t rows = x.shape()[0], columns = x.shape()[1];
  if (rows <= least_slab) return sum_columns(stream, x.data<T>(), rows, columns, least_slab, sums);
  const int64_t slab_rows = std::max(least_slab, ceil_div(rows, most_slabs));
  const int64_t slabs = ceil_div(rows, slab_rows);
  const Tensor partial = Tensor::empty(x.backend(), {slabs, columns});
  sum_columns(stream, x.data<T>(), rows, columns, slab_rows, {partial});
  sum_columns(stream, partial.data<float>(), slabs, columns, slabs, sums);
}

}  // namespace

void linear_forward(const Stream& stream, const LinearForward& args) {
  Product product{.m = args.x.shape()[0],
                  .n = args.w.shape()[0],
                  .k = args.x.shape()[1],
                  .transpose_b = true,
                  .input = args.x.dtype(),
                  .output = args.y.dtype()};
  Operands operands{args.x.raw(), args.w.raw(), args.y.raw()};
  if (product.m * product.n == 0) return;
  if (args.b && args.kind == Activation::none) {
    product.bias = true;
    if (stream.products->choose(product, operands)) {
      Tensor bias = args.b;
      if (bias.dtype() != args.y.dtype() || !is_aligned(bias.raw())) {
        bias = Tensor::empty(args.y.backend(), args.b.shape(), args.y.dtype());
        cast(stream, {args.b, {bias}});
      }
      operands.bias = bias.raw();
      stream.products->run(stream, product, operands);
      return;
    }
    product.bias = false;
  }
  multiply(stream, product, operands);
  if (args.b || args.kind != Activation::none) add_bias_and_activate(stream, args.y, args.b, args.kind);
}

void linear_backward(const Stream& stream, const LinearBackward& args) {
  const int64_t rows = args.dy.shape()[0], outputs = args.dy.shape()[1], inputs = args.w.shape()[1];
  const DType type = args.dy.dtype();
  if (args.dx)
    multiply(stream,
             {.m = rows,
              .n = inputs,
              .k = outputs,
              .accumulate = args.dx.accumulate,
              .input = type,
              .output = args.dx.tensor.dtype()},
             {args.dy.raw(), args.w.raw(), args.dx.tensor.raw()});
  if (args.dw)
    multiply(stream,
             {.m = outputs,
              .n = inputs,
              .k = rows,
              .transpose_a = true,
              .accumulate = args.dw.accumulate,
              .input = type,
              .output = args.dw.tensor.dtype()},
             {args.dy.raw(), args.x.raw(), args.dw.tensor.raw()});
  if (args.db && outputs > 0)
    dispatch_type(type, "linear",
                  [&](auto of_dy) { sum_columns<decltype(of_dy)>(stream, args.dy, args.db); });
}

void quantized_linear(const Stream&, const QuantizedLinear&) {
  fail("[CUDA] weights in 8 bits are for the CPU backend");
}

}  // namespace gradus::cuda
