// Softmax cross-entropy and its gradient, from stored probabilities to one pass over the logits (docs/kernels/cross_entropy.md).
// b is the size of a logit; what is read and written once a row is left out of what comments say.
#include <cmath>
#include <limits>

#include "backends/cuda/kernels.h"
#include "backends/cuda/sums.h"
#include "core/backend.h"
#include "tests/bench/kernels/ladder.h"

namespace gradus::ladder {
namespace {

using cuda::Pack;

constexpr int threads = 256;
constexpr float none = -std::numeric_limits<float>::infinity();

// What rungs have of rows beside the logits.
struct Rows {
  const int32_t* labels;
  const float* dloss;
  float *losses, *lse;
  int64_t count, columns;

  // What one thread of each row says of it.
  template <typename T>
  __device__ void finish(int64_t row, const T* x, float log_sum) const {
    lse[row] = log_sum;
    losses[row] = labels[row] < 0 ? 0.0F : log_sum - cuda::widen(x[labels[row]]);
  }
  // The gradient of a logit with this probability.
  __device__ float gradient(int64_t row, int64_t column, float probability) const {
    const int32_t label = labels[row];
    return label < 0 ? 0.0F : (probability - (column == label ? 1.0F : 0.0F)) * *dloss;
  }
};

// A thread takes a row: largest, sum, probabilities.
// Reads 3 b, writes 4 of a logit; occupancy 100 % on sm_80, 100 % on sm_90.
template <typename T>
__global__ void __launch_bounds__(threads)
    softmax_by_threads(const T* logits, Rows rows, float* probabilities) {
  const int64_t row = cuda::global_thread();
  if (row >= rows.count) return;
  const T* const x = logits + row * rows.columns;
  float most = none, sum = 0;
  for (int64_t k = 0; k < rows.columns; ++k) most = std::fmax(most, get(x + k));
  for (int64_t k = 0; k < rows.columns; ++k) sum += std::exp(get(x + k) - most);
  for (int64_t k = 0; k < rows.columns; ++k)
    put(probabilities + row * rows.columns + k, std::exp(get(x + k) - most) / sum);
  rows.finish(row, x, most + std::log(sum));
}

// A block takes a row: its threads load neighbours.
// Reads 3 b, writes 4 of a logit; occupancy 100 % on sm_80, 100 % on sm_90.
template <typename T>
__global__ void __launch_bounds__(threads)
    softmax_by_blocks(const T* logits, Rows rows, float* probabilities) {
  GRADUS_SHARED(float, scratch, 32);
  const int64_t row = blockIdx.x;
  const T* const x = logits + row * rows.columns;
  float most = none, sum = 0;
  for (int64_t k = threadIdx.x; k < rows.columns; k += threads) most = std::fmax(most, get(x + k));
  most = cuda::block_max(most, scratch);
  for (int64_t k = threadIdx.x; k < rows.columns; k += threads) sum += std::exp(get(x + k) - most);
  sum = cuda::block_sum(sum, scratch);
  for (int64_t k = threadIdx.x; k < rows.columns; k += threads)
    put(probabilities + row * rows.columns + k, std::exp(get(x + k) - most) / sum);
  if (threadIdx.x == 0) rows.finish(row, x, most + std::log(sum));
}

// The gradient from stored probabilities. A block takes a row.
// Reads 4, writes b of a logit; occupancy 100 % on sm_80, 100 % on sm_90.
template <typename T>
__global__ void __launch_bounds__(threads)
    gradient_of_probabilities(const float* probabilities, Rows rows, T* dlogits) {
  const int64_t row = blockIdx.x, first = row * rows.columns;
  for (int64_t k = threadIdx.x; k < rows.columns; k += threads)
    put(dlogits + first + k, rows.gradient(row, k, get(probabilities + first + k)));
}

// Largest and sum, of which only the log-sum-exp is kept.
// Reads 2 b of a logit; occupancy 100 % on sm_80, 100 % on sm_90.
template <typename T>
__global__ void __launch_bounds__(threads) sum_in_two_passes(const T* logits, Rows rows) {
  GRADUS_SHARED(float, scratch, 32);
  const int64_t row = blockIdx.x;
  const T* const x = logits + row * rows.columns;
  float most = none, sum = 0;
  for (int64_t k = threadIdx.x; k < rows.columns; k += threads) most = std::fmax(most, get(x + k));
  most = cuda::block_max(most, scratch);
  for (int64_t k = threadIdx.x; k < rows.columns; k += threads) sum += std::exp(get(x + k) - most);
  sum = cuda::block_sum(sum, scratch);
  if (threadIdx.x == 0) rows.finish(row, x, most + std::log(sum));
}

// The gradient from the logits and the log-sum-exp: the probabilities once more.
// Reads b, writes b of a logit; occupancy 100 % on sm_80, 100 % on sm_90.
template <typename T>
__global__ void __launch_bounds__(threads) gradient_of_logits(const T* logits, Rows rows, T* dlogits) {
  const int64_t row = blockIdx.x, first = row * rows.columns;
  const float log_sum = rows.lse[row];
  for (int64_t k = threadIdx.x; k < rows.columns; k += threads)
    put(dlogits + first + k, rows.gradient(row, k, std::exp(get(logits + first + k) - log_sum)));
}

// How many numbers lie in 16 bytes.
template <typename T>
constexpr int at_once = 16 / static_cast<int>(sizeof(T));

// The largest and the sum go along together, so that a logit is read once: the sum so far is corrected where a pack has a larger one.
// Reads b of a logit; occupancy 100 % on sm_80, 100 % on sm_90.
template <typename T>
__global__ void __launch_bounds__(threads) sum_in_one_pass(const T* logits, Rows rows) {
  GRADUS_SHARED(float, scratch, 32);
  const int64_t row = blockIdx.x;
  const T* const x = logits + row * rows.columns;
  float most = none, sum = 0;
  for (int64_t k = threadIdx.x * at_once<T>; k < rows.columns; k += threads * at_once<T>) {
    const auto pack = get<at_once<T>>(x + k);
    const float before = most;
    GRADUS_UNROLL
    for (const float value : pack.values) most = std::fmax(most, value);
    sum *= std::exp(before - most);
    GRADUS_UNROLL
    for (const float value : pack.values) sum += std::exp(value - most);
  }
  const float of_all = cuda::block_max(most, scratch);
  sum = cuda::block_sum(sum * std::exp(most - of_all), scratch);
  if (threadIdx.x == 0) rows.finish(row, x, of_all + std::log(sum));
}

// Reads b, writes b of a logit; occupancy 100 % on sm_80, 100 % on sm_90.
template <typename T>
__global__ void __launch_bounds__(threads) gradient_by_packs(const T* logits, Rows rows, T* dlogits) {
  const int64_t row = blockIdx.x, first = row * rows.columns;
  const float log_sum = rows.lse[row];
  for (int64_t k = threadIdx.x * at_once<T>; k < rows.columns; k += threads * at_once<T>) {
    auto pack = get<at_once<T>>(logits + first + k);
    GRADUS_UNROLL
    for (int i = 0; i < at_once<T>; ++i)
      pack.values[i] = rows.gradient(row, k + i, std::exp(pack.values[i] - log_sum));
    put(dlogits + first + k, pack);
  }
}

// Loss and gradient at once, where the loss's own gradient is known: the row lies in shared memory between them, and a logit is read
// once in all. Each thread reads there what it wrote.
// Reads b, writes b of a logit; occupancy 25 % on sm_80, 37 % on sm_90, with 61056 bytes of dynamic shared memory for <bfloat16>.
template <typename T>
__global__ void __launch_bounds__(threads) loss_and_gradient(const T* logits, Rows rows, T* dlogits) {
  GRADUS_DYNAMIC_SHARED(T, held);
  GRADUS_SHARED(float, scratch, 32);
  const int64_t row = blockIdx.x;
  const T* const x = logits + row * rows.columns;
  const auto for_packs = [&](auto&& f) {
    for (int64_t k = threadIdx.x * at_once<T>; k < rows.columns; k += threads * at_once<T>) f(k);
  };
  float most = none, sum = 0;
  for_packs([&](int64_t k) {
    const auto pack = get<at_once<T>>(x + k);
    cuda::store<false>(held + k, pack);
    GRADUS_UNROLL
    for (const float value : pack.values) most = std::fmax(most, value);
  });
  most = cuda::block_max(most, scratch);
  for_packs([&](int64_t k) {
    const auto pack = cuda::load<at_once<T>>(held + k);
    GRADUS_UNROLL
    for (const float value : pack.values) sum += std::exp(value - most);
  });
  const float log_sum = most + std::log(cuda::block_sum(sum, scratch));
  if (threadIdx.x == 0) rows.finish(row, held, log_sum);
  for_packs([&](int64_t k) {
    auto pack = cuda::load<at_once<T>>(held + k);
    GRADUS_UNROLL
    for (int i = 0; i < at_once<T>; ++i)
      pack.values[i] = rows.gradient(row, k + i, std::exp(pack.values[i] - log_sum));
    put(dlogits + row * rows.columns + k, pack);
  });
}

// --- rungs --------------------------------------------------------------------------------------------

// Calls f(number, rows) with memory for the rows' losses, and adds them up behind it.
template <typename F>
void with_rows(const cuda::Stream& stream, const CrossEntropyProblem& problem, F&& f) {
  const Tensor& logits = problem.forward.logits;
  const Tensor losses = Tensor::empty(logits.backend(), {logits.rows()});
  const Rows rows{problem.forward.labels.data<int32_t>(),
                  problem.backward.dloss.data<float>(),
                  losses.data<float>(),
                  problem.forward.lse.data<float>(),
                  logits.rows(),
                  logits.shape().last()};
  dispatch_number(logits.dtype(), [&](auto number) { f(number, rows); });
  launch(stream, {dim3{1}, dim3{threads}}, cuda::add_up<threads, float>, losses.data<float>(), rows.count,
         problem.forward.loss.data<float>());
}

// The same for rungs that take 16 bytes at once.
template <typename F>
void with_packed_rows(const cuda::Stream& stream, const CrossEntropyProblem& problem, F&& f) {
  const Tensor& logits = problem.forward.logits;
  const auto of_pack = static_cast<int64_t>(16 / size_of(logits.dtype()));
  check(logits.shape().last() % of_pack == 0,
        "[ladder] rows of {} logits by 16 bytes: expected a multiple of {}", logits.shape().last(), of_pack);
  with_rows(stream, problem, f);
}

template <typename T>
void launch_rows(const cuda::Stream& stream, const Rows& rows, void (*kernel)(const T*, Rows),
                 const T* logits) {
  launch(stream, {cuda::blocks_for(rows.count, 1), dim3{threads}}, kernel, logits, rows);
}
template <typename From, typename T>
void launch_rows(const cuda::Stream& stream, const Rows& rows, void (*kernel)(const From*, Rows, T*),
                 const From* from, T* to) {
  launch(stream, {cuda::blocks_for(rows.count, 1), dim3{threads}}, kernel, from, rows, to);
}

void with_probabilities(const cuda::Stream& stream, const CrossEntropyProblem& problem, bool by_blocks) {
  const Tensor& logits = problem.forward.logits;
  const Tensor stored = Tensor::empty(logits.backend(), logits.shape());
  auto* const probabilities = stored.data<float>();
  with_rows(stream, problem, [&](auto number, const Rows& rows) {
    using T = decltype(number);
    if (by_blocks)
      launch_rows(stream, rows, softmax_by_blocks<T>, static_cast<const T*>(logits.data<T>()), probabilities);
    else
      launch(stream, {cuda::blocks_for(rows.count, threads), dim3{threads}}, softmax_by_threads<T>,
             logits.data<T>(), rows, probabilities);
    launch_rows(stream, rows, gradient_of_probabilities<T>, static_cast<const float*>(probabilities),
                problem.backward.dlogits.tensor.data<T>());
  });
}
void by_threads(const cuda::Stream& stream, const CrossEntropyProblem& problem) {
  with_probabilities(stream, problem, false);
}
void by_blocks(const cuda::Stream& stream, const CrossEntropyProblem& problem) {
  with_probabilities(stream, problem, true);
}

template <typename T>
void launch_both(const cuda::Stream& stream, const CrossEntropyProblem& problem, const Rows& rows,
                 void (*sum)(const T*, Rows), void (*gradient)(const T*, Rows, T*)) {
  const T* const logits = problem.forward.logits.data<T>();
  launch_rows(stream, rows, sum, logits);
  launch_rows(stream, rows, gradient, logits, problem.backward.dlogits.tensor.data<T>());
}

void in_two_passes(const cuda::Stream& stream, const CrossEntropyProblem& problem) {
  with_rows(stream, problem, [&](auto number, const Rows& rows) {
    using T = decltype(number);
    launch_both(stream, problem, rows, sum_in_two_passes<T>, gradient_of_logits<T>);
  });
}

void in_one_pass(const cuda::Stream& stream, const CrossEntropyProblem& problem) {
  with_packed_rows(stream, problem, [&](auto number, const Rows& rows) {
    using T = decltype(number);
    launch_both(stream, problem, rows, sum_in_one_pass<T>, gradient_by_packs<T>);
  });
}

void in_one_kernel(const cuda::Stream& stream, const CrossEntropyProblem& problem) {
  with_packed_rows(stream, problem, [&](auto number, const Rows& rows) {
    using T = decltype(number);
    launch(stream,
           {cuda::blocks_for(rows.count, 1), dim3{threads}, static_cast<size_t>(rows.columns) * sizeof(T)},
           loss_and_gradient<T>, problem.forward.logits.data<T>(), rows,
           problem.backward.dlogits.tensor.data<T>());
  });
}

void of_backend(const cuda::Stream& stream, const CrossEntropyProblem& problem) {
  cuda::cross_entropy_forward(stream, problem.forward);
  cuda::cross_entropy_backward(stream, problem.backward);
}

// So many logits, and so many numbers of float32, of each element are asked for and are the least.
Traffic traffic_of(const CrossEntropyProblem& problem, double asked, double least, double floats = 0) {
  const double elements = elements_of(problem);
  const auto size = static_cast<double>(size_of(problem.forward.logits.dtype()));
  return {(asked * size + floats * 4) * elements, (least * size + floats * 4) * elements};
}

}  // namespace

Ladder<CrossEntropyProblem> cross_entropy_ladder() {
  return {
      {"a thread a row", by_threads, [](const CrossEntropyProblem& p) { return traffic_of(p, 4, 2, 2); }},
      {"a block a row", by_blocks, [](const CrossEntropyProblem& p) { return traffic_of(p, 4, 2, 2); }},
      {"no probabilities", in_two_passes, [](const CrossEntropyProblem& p) { return traffic_of(p, 4, 3); }},
      {"one pass, 16 bytes at once", in_one_pass,
       [](const CrossEntropyProblem& p) { return traffic_of(p, 3, 3); }},
      {"one kernel, row in shared memory", in_one_kernel,
       [](const CrossEntropyProblem& p) { return traffic_of(p, 2, 2); }},
      {"the backend's", of_backend, [](const CrossEntropyProblem& p) { return traffic_of(p, 3, 3); }},
  };
}

}  // namespace gradus::ladder
