// Layer norm with the dropout and the residual sum before it.
//
// Forward: a warp takes a row, which stays in shared memory as float32 between its three passes (sum, deviations, result); a lane reads
// only what it wrote itself, so nobody waits. Bytes of an element of H with residual and sum in a type of b bytes: 4 b, one read of x and
// residual, one write of sum and y. Backward to the input: 2 b read twice (the second time from the cache) and 2 b written.
#include "backends/cuda/dispatch.h"
#include "backends/cuda/dropout.h"
#include "backends/cuda/kernels.h"
#include "backends/cuda/sums.h"

namespace gradus::cuda {
namespace {

constexpr int rows_of_block = 4;  // a warp each
constexpr int threads = rows_of_block * 32;
constexpr int resident_blocks = 8;    // on a multiprocessor at least: up to 64 registers a thread
constexpr int64_t most_width = 8192;  // of a row: four of them fill 128 KiB of shared memory
constexpr int64_t slab_rows = 64;     // whose parameter gradients are summed first
constexpr int column_threads = 256;

// Calls f(column, factor) for the columns of a row that this lane takes, with the mask's factors of them, or 1.
template <bool drops, typename F>
__device__ __forceinline__ void for_columns(const DropoutMask& mask, int64_t row, int64_t columns, F&& f) {
  for (int64_t number = threadIdx.x % 32; number < mask_blocks(columns); number += 32) {
    float factors[columns_of_block];
    if constexpr (drops) mask_factors(mask, row, number, factors);
    for (int k = 0; k < columns_of_block; ++k) {
      const int64_t column = mask_column(number, k);
      if (column >= columns) break;
      f(column, drops ? factors[k] : 1.0F);
    }
  }
}

// The same without a mask.
template <typename F>
__device__ __forceinline__ void for_columns(int64_t columns, F&& f) {
  for_columns<false>({}, 0, columns, [&](int64_t column, float) { f(column); });
}

struct LayerNormRow {
  const float *gamma, *beta;
  float eps, share;  // 1 / H
  float *mean, *rstd;
};

// Reads 2 b, writes 2 b of an element; occupancy 56 % on sm_80, 56 % on sm_90, with 12288 bytes of dynamic shared memory.
template <typename T, bool drops>
__global__ void __launch_bounds__(threads, resident_blocks)
    normalize(const T* x, const T* residual, MaskAt at, LayerNormRow norm, T* sum, T* y, int64_t rows,
              int64_t columns) {
  GRADUS_DYNAMIC_SHARED(float, shared);
  const int64_t row = int64_t{blockIdx.x} * rows_of_block + threadIdx.x / 32;
  if (row >= rows) return;  // the whole warp
  float* const s = shared + threadIdx.x / 32 * columns;
  const int64_t first = row * columns;
  const DropoutMask mask = drops ? at.read() : DropoutMask{};
  float total = 0;
  for_columns<drops>(mask, row, columns, [&](int64_t column, float factor) {
    float value = widen(x[first + column]) * factor;
    if (residual != nullptr) value += widen(residual[first + column]);
    s[column] = value;
    total += value;
  });
  const float mean = warp_sum(total) * norm.share;
  // Taken after the mean is known, so that nothing cancels.
  float squares = 0;
  for_columns(columns, [&](int64_t column) { squares += (s[column] - mean) * (s[column] - mean); });
  const float rstd = one_over_root(warp_sum(squares) * norm.share + norm.eps);
  for_columns(columns, [&](int64_t column) {
    y[first + column] = static_cast<T>((s[column] - mean) * rstd * norm.gamma[column] + norm.beta[column]);
    if (sum != nullptr) sum[first + column] = static_cast<T>(s[column]);
  });
  if (threadIdx.x % 32 != 0) return;
  if (norm.mean != nullptr) norm.mean[row] = mean;
  if (norm.rstd != nullptr) norm.rstd[row] = rstd;
}

// With g = dy gamma and z = (s - mean) rstd: ds = rstd (g - mean(g) - z mean(g z)).
// Reads 4 b, writes 2 b of an element; occupancy 62 % on sm_80, 62 % on sm_90.
template <typename T, bool drops>
__global__ void __launch_bounds__(threads, resident_blocks)
    go_back(const T* dy, const T* sum, const float* gamma, const float* means, const float* rstds, MaskAt at,
            Target<T> dx, Target<T> dresidual, int64_t rows, int64_t columns, float share) {
  const int64_t row = int64_t{blockIdx.x} * rows_of_block + threadIdx.x / 32;
  if (row >= rows) return;
  const int64_t first = row * columns;
  const float mean = means[row], rstd = rstds[row];
  float sum_g = 0, sum_gz = 0;
  for_columns(columns, [&](int64_t column) {
    const float g = widen(dy[first + column]) * gamma[column];
    sum_g += g;
    sum_gz += g * ((widen(sum[first + column]) - mean) * rstd);
  });
  const float mean_g = warp_sum(sum_g) * share, mean_gz = warp_sum(sum_gz) * share;
  const DropoutMask mask = drops ? at.read() : DropoutMask{};
  for_columns<drops>(mask, row, columns, [&](int64_t column, float factor) {
    const float z = (widen(sum[first + column]) - mean) * rstd;
    const float ds = rstd * (widen(dy[first + column]) * gamma[column] - mean_g - z * mean_gz);
    dresidual.put(first + column, ds);
    dx.put(first + column, ds * factor);
  });
}

// Of the rows of a slab, dgamma and dbeta: partial [slabs, 2, H]. A thread takes a column.
// Reads 2 b of an element; occupancy 100 % on sm_80, 100 % on sm_90.
template <typename T>
__global__ void __launch_bounds__(column_threads)
    sum_slab(const T* dy, const T* sum, const float* means, const float* rstds, float* partial, int64_t rows,
             int64_t columns) {
  const int64_t column = int64_t{blockIdx.y} * column_threads + threadIdx.x;
  if (column >= columns) return;
  const int64_t slab = blockIdx.x,
                end = slab * slab_rows + slab_rows < rows ? slab * slab_rows + slab_rows : rows;
  float dgamma = 0, dbeta = 0;
  for (int64_t row = slab * slab_rows; row < end; ++row) {
    const float g = widen(dy[row * columns + column]);
    dgamma += g * ((widen(sum[row * columns + column]) - means[row]) * rstds[row]);
    dbeta += g;
  }
  partial[slab * 2 * columns + column] = dgamma;
  partial[(slab * 2 + 1) * columns + column] = dbeta;
}

// The slabs' sums, in their order. Either target may be absent.
// Reads 8 of a column and a slab; occupancy 100 % on sm_80, 100 % on sm_90.
__global__ void __launch_bounds__(column_threads)
    sum_slabs(const float* partial, int64_t slabs, Target<float> dgamma, Target<float> dbeta,
              int64_t columns) {
  const int64_t column = global_thread();
  if (column >= columns) return;
  dgamma.put(column, sum_parts(partial, slabs, 2 * columns, column));
  dbeta.put(column, sum_parts(partial, slabs, 2 * columns, columns + column));
}

dim3 blocks_of(int64_t rows) { return blocks_for(rows, rows_of_block); }

}  // namespace

void layer_norm_forward(const Stream& stream, const LayerNormForward& args) {
  const int64_t rows = args.x.rows(), columns = args.x.shape().last();
  if (rows * columns == 0) return;
  check(columns <= most_width, "[layer_norm] rows of {}: the CUDA backend takes {} at most", columns,
        most_width);
  const LayerNormRow norm{
      args.gamma.data<float>(),        args.beta.data<float>(),   args.eps,
      1 / static_cast<float>(columns), data_of<float>(args.mean), data_of<float>(args.rstd)};
  dispatch_type(args.x.dtype(), "layer_norm", [&](auto type) {
    using T = decltype(type);
    dispatch_bool(args.dropout.active(), [&](auto drops) {
      launch(stream,
             {blocks_of(rows), dim3{threads}, static_cast<size_t>(rows_of_block * columns) * sizeof(float)},
             normalize<T, decltype(drops)::value>, args.x.template data<T>(), data_of<T>(args.residual),
             MaskAt(args.dropout), norm, data_of<T>(args.sum), args.y.template data<T>(), rows, columns);
    });
  });
}

void layer_norm_backward(const Stream& stream, const LayerNormBackward& args) {
  const int64_t rows = args.dy.rows(), columns = args.dy.shape().last(), slabs = ceil_div(rows, slab_rows);
  const auto *const means = args.mean.data<float>(), *const rstds = args.rstd.data<float>();
  dispatch_type(args.dy.dtype(), "layer_norm", [&](auto type) {
    using T = decltype(type);
    const T *const dy = args.dy.template data<T>(), *const sum = args.sum.template data<T>();
    // The sums go first: dy may lie where dx does.
    if (args.dgamma || args.dbeta) {
      const Tensor partial = Tensor::empty(args.dy.backend(), {std::max<int64_t>(slabs, 1), 2 * columns});
      const dim3 blocks = blocks_for(columns, column_threads);
      if (rows > 0)
        launch(stream, {dim3{static_cast<unsigned>(slabs), blocks.x}, dim3{column_threads}}, sum_slab<T>, dy,
               sum, means, rstds, partial.data<float>(), rows, columns);
      launch(stream, {blocks, dim3{column_threads}}, sum_slabs, partial.data<float>(), slabs,
             Target<float>(args.dgamma), Target<float>(args.dbeta), columns);
    }
    if ((!args.dx && !args.dresidual) || rows == 0) return;
    dispatch_bool(args.dropout.active(), [&](auto drops) {
      launch(stream, {blocks_of(rows), dim3{threads}}, go_back<T, decltype(drops)::value>, dy, sum,
             args.gamma.data<float>(), means, rstds, MaskAt(args.dropout), Target<T>(args.dx),
             Target<T>(args.dresidual), rows, columns, 1 / static_cast<float>(columns));
    });
  });
}

}  // namespace gradus::cuda
