// Rows picked by number: sums of embedding tables, and lists of rows. A block takes a row, its threads the columns.
#include "backends/cuda/dispatch.h"
#include "backends/cuda/kernels.h"
#include "core/backend.h"

namespace gradus::cuda {
namespace {

constexpr int threads = 128;
constexpr size_t most_tables = 4;

template <typename T>
struct Tables {
  const T* tables[most_tables] = {};
  const int32_t* ids[most_tables] = {};
  int count = 0;
};

// Reads 3 b, writes b of an element of a sum of three rows; occupancy 100 % on sm_80, 100 % on sm_90.
template <typename T>
__global__ void __launch_bounds__(threads) sum_rows(Tables<T> from, T* y, int64_t rows, int64_t columns) {
  for (int64_t row = blockIdx.x; row < rows; row += gridDim.x) {
    for (int64_t k = threadIdx.x; k < columns; k += threads) {
      float sum = 0;
      for (int i = 0; i < from.count; ++i)
        sum += widen(from.tables[i][int64_t{from.ids[i][row]} * columns + k]);
      y[row * columns + k] = static_cast<T>(sum);
    }
  }
}

// y[i] = x[rows[i]], zeros for a negative number.
// Reads b, writes b of an element; occupancy 100 % on sm_80, 100 % on sm_90.
template <typename T>
__global__ void __launch_bounds__(threads)
    gather(const T* x, const int32_t* numbers, T* y, int64_t rows, int64_t columns) {
  for (int64_t row = blockIdx.x; row < rows; row += gridDim.x) {
    const int64_t number = numbers[row];
    for (int64_t k = threadIdx.x; k < columns; k += threads)
      y[row * columns + k] = number < 0 ? static_cast<T>(0.0F) : x[number * columns + k];
  }
}

// dx[rows[i]] = dy[i], or += it; no number occurs twice.
// Reads b, writes b of an element; occupancy 100 % on sm_80, 100 % on sm_90.
template <typename T>
__global__ void __launch_bounds__(threads)
    scatter(const T* dy, const int32_t* numbers, Target<T> dx, int64_t rows, int64_t columns) {
  for (int64_t row = blockIdx.x; row < rows; row += gridDim.x) {
    const int64_t number = numbers[row];
    if (number < 0) continue;  // the whole block
    for (int64_t k = threadIdx.x; k < columns; k += threads)
      dx.put(number * columns + k, widen(dy[row * columns + k]));
  }
}

}  // namespace

void embedding_forward(const Stream& stream, const EmbeddingForward& args) {
  const int64_t rows = args.y.rows(), columns = args.y.shape().last();
  check(args.lookups.size() <= most_tables,
        "[embedding] a sum of {} tables: the CUDA backend takes {} at most", args.lookups.size(),
        most_tables);
  if (rows * columns == 0) return;
  dispatch_type(args.y.dtype(), "embedding", [&](auto type) {
    using T = decltype(type);
    Tables<T> tables;
    for (const Lookup& lookup : args.lookups) {
      tables.tables[tables.count] = lookup.table.template data<T>();
      tables.ids[tables.count++] = lookup.ids.data<int32_t>();
    }
    launch(stream, {blocks_for(rows, 1), dim3{threads}}, sum_rows<T>, tables, args.y.template data<T>(), rows,
           columns);
  });
}

void gather_rows_forward(const Stream& stream, const GatherRowsForward& args) {
  const int64_t rows = args.y.rows(), columns = args.y.shape().last();
  if (rows * columns == 0) return;
  dispatch_type(args.y.dtype(), "gather_rows", [&](auto type) {
    using T = decltype(type);
    launch(stream, {blocks_for(rows, 1), dim3{threads}}, gather<T>, args.x.template data<T>(),
           args.rows.data<int32_t>(), args.y.template data<T>(), rows, columns);
  });
}

void gather_rows_backward(const Stream& stream, const GatherRowsBackward& args) {
  if (!args.dx) return;
  // Rows that are not named get zeros.
  if (!args.dx.accumulate) clear(stream, args.dx.tensor.raw(), args.dx.tensor.bytes());
  const int64_t rows = args.dy.rows(), columns = args.dy.shape().last();
  if (rows * columns == 0) return;
  dispatch_type(args.dy.dtype(), "gather_rows", [&](auto type) {
    using T = decltype(type);
    launch(stream, {blocks_for(rows, 1), dim3{threads}}, scatter<T>, args.dy.template data<T>(),
           args.rows.data<int32_t>(), Target<T>(args.dx), rows, columns);
  });
}

}  // namespace gradus::cuda
