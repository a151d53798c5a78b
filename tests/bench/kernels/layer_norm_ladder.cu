// Layer norm with dropout and residual before it, from two kernels that read a row three times to one that reads it once
// (docs/kernels/layer_norm.md). b is the size of a number. Comments leave out gamma and beta, which all rows share.
#include "backends/cuda/dropout.h"
#include "backends/cuda/kernels.h"
#include "tests/bench/kernels/ladder.h"

namespace gradus::ladder {
namespace {

using cuda::MaskAt;
using cuda::Pack;

constexpr int threads = 256, rows_of_block = threads / 32;
constexpr int window = 256;      // columns whose mask a warp draws at once, eight for each lane
constexpr int most_windows = 4;  // of a row that is held in registers

struct Norm {
  const float *gamma, *beta;
  float eps, share;  // 1 / H
  float *mean, *rstd;

  explicit Norm(const LayerNormProblem& problem)
      : gamma(problem.gamma.data<float>()),
        beta(problem.beta.data<float>()),
        eps(problem.eps),
        share(1 / static_cast<float>(problem.x.shape().last())),
        mean(problem.mean.data<float>()),
        rstd(problem.rstd.data<float>()) {}

  __device__ float result(float value, float row_mean, float row_rstd, int64_t column) const {
    return (value - row_mean) * row_rstd * get(gamma + column) + get(beta + column);
  }
  __device__ void keep(int64_t row, float row_mean, float row_rstd) const {
    mean[row] = row_mean;
    rstd[row] = row_rstd;
  }
};

// sum = dropout(x) + residual. A thread takes an element, and draws for it the words of eight.
// Reads 2 b, writes b of an element; occupancy 100 % on sm_80, 100 % on sm_90.
template <typename T>
__global__ void __launch_bounds__(threads)
    add_dropped(const T* x, const T* residual, MaskAt at, T* sum, int64_t count, int64_t columns) {
  const int64_t i = cuda::global_thread();
  if (i >= count) return;
  const DropoutMask mask = at.read();
  const bool keeps = mask.keeps(static_cast<uint32_t>(i / columns), static_cast<uint32_t>(i % columns));
  put(sum + i, get(x + i) * (keeps ? mask.scale() : 0.0F) + get(residual + i));
}

// A thread takes a row: what the 32 of a warp load together lies in 32 rows.
// Reads 3 b, writes b of an element; occupancy 100 % on sm_80, 100 % on sm_90.
template <typename T>
__global__ void __launch_bounds__(threads)
    normalize_by_threads(const T* sum, Norm norm, T* y, int64_t rows, int64_t columns) {
  const int64_t row = cuda::global_thread();
  if (row >= rows) return;
  const T* const s = sum + row * columns;
  float total = 0, squares = 0;
  for (int64_t column = 0; column < columns; ++column) total += get(s + column);
  const float mean = total * norm.share;
  for (int64_t column = 0; column < columns; ++column) {
    const float deviation = get(s + column) - mean;
    squares += deviation * deviation;
  }
  const float rstd = cuda::one_over_root(squares * norm.share + norm.eps);
  for (int64_t column = 0; column < columns; ++column)
    put(y + row * columns + column, norm.result(get(s + column), mean, rstd, column));
  norm.keep(row, mean, rstd);
}

// A warp takes a row: its lanes load neighbours, and add up their sums by shuffles.
// Reads 3 b, writes b of an element; occupancy 100 % on sm_80, 100 % on sm_90.
template <typename T>
__global__ void __launch_bounds__(threads)
    normalize_by_warps(const T* sum, Norm norm, T* y, int64_t rows, int64_t columns) {
  const int64_t row = cuda::global_thread() / 32, lane = threadIdx.x % 32;
  if (row >= rows) return;  // the whole warp
  const T* const s = sum + row * columns;
  float total = 0, squares = 0;
  for (int64_t column = lane; column < columns; column += 32) total += get(s + column);
  const float mean = cuda::warp_sum(total) * norm.share;
  for (int64_t column = lane; column < columns; column += 32) {
    const float deviation = get(s + column) - mean;
    squares += deviation * deviation;
  }
  const float rstd = cuda::one_over_root(cuda::warp_sum(squares) * norm.share + norm.eps);
  for (int64_t column = lane; column < columns; column += 32)
    put(y + row * columns + column, norm.result(get(s + column), mean, rstd, column));
  if (lane == 0) norm.keep(row, mean, rstd);
}

// A row in the registers of a warp: of `windows` times 256 columns, 16 bytes of numbers at a time.
template <typename T, int windows>
struct RowInRegisters {
  static constexpr int at_once = 16 / static_cast<int>(sizeof(T));
  static constexpr int packs = windows * window / (32 * at_once);
  static constexpr int64_t columns = windows * window;
  Pack<float, at_once> packed[packs];

  __device__ static int64_t column(int pack) {
    return int64_t{pack} * 32 * at_once + threadIdx.x % 32 * at_once;
  }

  // Statistics, and the results; the values are in registers from here on.
  __device__ void normalize(const Norm& norm, int64_t row, T* y) const {
    float total = 0, squares = 0;
    GRADUS_UNROLL
    for (const auto& pack : packed) {
      GRADUS_UNROLL
      for (const float value : pack.values) total += value;
    }
    const float mean = cuda::warp_sum(total) * norm.share;
    GRADUS_UNROLL
    for (const auto& pack : packed) {
      GRADUS_UNROLL
      for (const float value : pack.values) squares += (value - mean) * (value - mean);
    }
    const float rstd = cuda::one_over_root(cuda::warp_sum(squares) * norm.share + norm.eps);
    GRADUS_UNROLL
    for (int p = 0; p < packs; ++p) {
      const auto gamma = get<at_once>(norm.gamma + column(p)), beta = get<at_once>(norm.beta + column(p));
      Pack<float, at_once> result;
      GRADUS_UNROLL
      for (int i = 0; i < at_once; ++i)
        result.values[i] = (packed[p].values[i] - mean) * rstd * gamma.values[i] + beta.values[i];
      put(y + row * columns + column(p), result);
    }
    if (threadIdx.x % 32 == 0) norm.keep(row, mean, rstd);
  }
};

// Reads b, writes b of an element; occupancy 50 % on sm_80, 50 % on sm_90.
template <typename T, int windows>
__global__ void __launch_bounds__(threads)
    normalize_in_registers(const T* sum, Norm norm, T* y, int64_t rows) {
  using Row = RowInRegisters<T, windows>;
  const int64_t row = cuda::global_thread() / 32;
  if (row >= rows) return;
  Row values;
  GRADUS_UNROLL
  for (int p = 0; p < Row::packs; ++p)
    values.packed[p] = get<Row::at_once>(sum + row * Row::columns + Row::column(p));
  values.normalize(norm, row, y);
}

// The mask of 256 columns, drawn by a warp. A lane draws for eight columns 16 apart, and loads neighbours: a vote for each of the
// eight bits brings those of 16 neighbours together in a word, in two halves for the two times 128 columns.
struct WindowMask {
  uint32_t votes[cuda::columns_of_block];

  __device__ WindowMask(const DropoutMask& mask, int64_t row, int number) {
    const uint32_t kept = cuda::kept_columns(mask, row, int64_t{number} * 32 + threadIdx.x % 32);
    GRADUS_UNROLL
    for (int k = 0; k < cuda::columns_of_block; ++k)
      votes[k] = __ballot_sync(cuda::whole_warp, (kept >> k & 1U) != 0);
  }
  // The bits from a column of the window on, of the 16 that it is among.
  __device__ uint32_t from(int64_t column) const {
    const int64_t half = column / 128, k = column % 128 / 16;
    uint32_t word = 0;
    GRADUS_UNROLL
    for (int i = 0; i < cuda::columns_of_block; ++i) word = k == i ? votes[i] : word;
    return word >> (half * 16 + column % 16);
  }
};

// All in one kernel: dropout and residual on what is loaded, the sum written once, and normalized before it leaves the registers.
// Reads 2 b, writes 2 b of an element; occupancy 50 % on sm_80, 50 % on sm_90.
template <typename T, int windows>
__global__ void __launch_bounds__(threads)
    normalize_fused(const T* x, const T* residual, MaskAt at, Norm norm, T* sum, T* y, int64_t rows) {
  using Row = RowInRegisters<T, windows>;
  constexpr int of_window = Row::packs / windows;
  const int64_t row = cuda::global_thread() / 32;
  if (row >= rows) return;
  const DropoutMask mask = at.read();
  const float scale = mask.scale();
  Row values;
  GRADUS_UNROLL
  for (int w = 0; w < windows; ++w) {
    const WindowMask kept(mask, row, w);
    GRADUS_UNROLL
    for (int p = w * of_window; p < (w + 1) * of_window; ++p) {
      const int64_t place = row * Row::columns + Row::column(p);
      const auto dropped = get<Row::at_once>(x + place), added = get<Row::at_once>(residual + place);
      const uint32_t bits = kept.from(Row::column(p) - w * window);
      GRADUS_UNROLL
      for (int i = 0; i < Row::at_once; ++i)
        values.packed[p].values[i] =
            dropped.values[i] * ((bits >> i & 1U) != 0 ? scale : 0.0F) + added.values[i];
      put(sum + place, values.packed[p]);
    }
  }
  values.normalize(norm, row, y);
}

// Calls f(number, windows) for the type and the width of a problem whose rows fit registers.
template <typename F>
void dispatch_windows(const LayerNormProblem& problem, F&& f) {
  const int64_t columns = problem.x.shape().last();
  check(columns % window == 0 && columns <= most_windows * window,
        "[ladder] rows of {} in registers: expected a multiple of {}, at most {}", columns, window,
        most_windows * window);
  dispatch_number(problem.x.dtype(), [&](auto number) {
    const int64_t windows = columns / window;
    if (windows == 1) f(number, std::integral_constant<int, 1>());
    else if (windows == 2) f(number, std::integral_constant<int, 2>());
    else if (windows == 3) f(number, std::integral_constant<int, 3>());
    else f(number, std::integral_constant<int, 4>());
  });
}

template <typename T>
void launch_add(const cuda::Stream& stream, const LayerNormProblem& problem) {
  const int64_t count = problem.x.elements();
  launch(stream, {cuda::blocks_for(count, threads), dim3{threads}}, add_dropped<T>, problem.x.data<T>(),
         problem.residual.data<T>(), MaskAt(problem.dropout), problem.sum.data<T>(), count,
         problem.x.shape().last());
}

// Sums, and then a kernel whose blocks take so many rows.
template <typename T>
void add_and_normalize(const cuda::Stream& stream, const LayerNormProblem& problem, int rows,
                       void (*normalize)(const T*, Norm, T*, int64_t, int64_t)) {
  launch_add<T>(stream, problem);
  launch(stream, {cuda::blocks_for(problem.x.rows(), rows), dim3{threads}}, normalize, problem.sum.data<T>(),
         Norm(problem), problem.y.data<T>(), problem.x.rows(), problem.x.shape().last());
}

void by_threads(const cuda::Stream& stream, const LayerNormProblem& problem) {
  dispatch_number(problem.x.dtype(), [&](auto number) {
    add_and_normalize(stream, problem, threads, normalize_by_threads<decltype(number)>);
  });
}

void by_warps(const cuda::Stream& stream, const LayerNormProblem& problem) {
  dispatch_number(problem.x.dtype(), [&](auto number) {
    add_and_normalize(stream, problem, rows_of_block, normalize_by_warps<decltype(number)>);
  });
}

void in_registers(const cuda::Stream& stream, const LayerNormProblem& problem) {
  dispatch_windows(problem, [&](auto number, auto windows) {
    using T = decltype(number);
    launch_add<T>(stream, problem);
    launch(stream, {cuda::blocks_for(problem.x.rows(), rows_of_block), dim3{threads}},
           normalize_in_registers<T, decltype(windows)::value>, problem.sum.data<T>(), Norm(problem),
           problem.y.data<T>(), problem.x.rows());
  });
}

void fused(const cuda::Stream& stream, const LayerNormProblem& problem) {
  dispatch_windows(problem, [&](auto number, auto windows) {
    using T = decltype(number);
    launch(stream, {cuda::blocks_for(problem.x.rows(), rows_of_block), dim3{threads}},
           normalize_fused<T, decltype(windows)::value>, problem.x.data<T>(), problem.residual.data<T>(),
           MaskAt(problem.dropout), Norm(problem), problem.sum.data<T>(), problem.y.data<T>(),
           problem.x.rows());
  });
}

// So many numbers of an element are asked for, and so many are the least; the parameters come to both.
Traffic traffic_of(const LayerNormProblem& problem, double asked, double least) {
  const double elements = elements_of(problem), size = static_cast<double>(size_of(problem.x.dtype()));
  const auto columns = static_cast<double>(problem.x.shape().last());
  return {(asked * size + 8) * elements, least * size * elements + 8 * columns};
}

}  // namespace

Ladder<LayerNormProblem> layer_norm_ladder() {
  return {
      {"a thread a row", by_threads, [](const LayerNormProblem& p) { return traffic_of(p, 7, 5); }},
      {"a warp a row", by_warps, [](const LayerNormProblem& p) { return traffic_of(p, 7, 5); }},
      {"16 bytes at once, in registers", in_registers,
       [](const LayerNormProblem& p) { return traffic_of(p, 5, 5); }},
      {"one kernel", fused, [](const LayerNormProblem& p) { return traffic_of(p, 4, 4); }},
      {"the backend's", cuda::layer_norm_forward,
       [](const LayerNormProblem& p) { return traffic_of(p, 4, 4); }},
  };
}

}  // namespace gradus::ladder
