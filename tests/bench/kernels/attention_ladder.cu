// Attention, forward, from scores in memory to scores in registers (docs/kernels/attention.md). S is the length of the sequence, D the
// size of a head, b that of a number. The last two rungs are the backend's two forms.
#include <cmath>
#include <limits>

#include "backends/cuda/attention.h"
#include "core/backend.h"
#include "tests/bench/kernels/ladder.h"

namespace gradus::ladder {
namespace {

using cuda::Head;
using cuda::Heads;

constexpr int threads = 256, warps = threads / 32;
constexpr float none = -std::numeric_limits<float>::infinity();

// Where the scores of a query and head lie: [rows, heads, longest] in memory.
struct Scores {
  float* data;
  int64_t longest;

  __device__ float* of(const Heads& heads, int64_t row, int64_t head) const {
    return data + (row * heads.count + head) * longest;
  }
};

// scores = q k^T / sqrt(D). A thread takes a query and a key.
// Reads 2 S b, writes 4 S / D of a number of the context; occupancy 100 % on sm_80, 100 % on sm_90.
template <typename T>
__global__ void __launch_bounds__(threads) multiply_by_keys(Heads heads, const T* qkv, Scores scores) {
  const Head head(heads, blockIdx.x, threads, blockIdx.y);
  const int64_t columns = 3 * heads.hidden();
  const T* const part = qkv + head.number * heads.size;
  for (int64_t i = head.first * scores.longest + threadIdx.x;
       i < (head.first + threads) * scores.longest && i / scores.longest < head.length; i += threads) {
    const int64_t row = head.begin + i / scores.longest, key = i % scores.longest;
    if (key >= head.length) continue;
    const T *const q = part + row * columns, *const k = part + (head.begin + key) * columns + heads.hidden();
    float sum = 0;
    for (int64_t d = 0; d < heads.size; ++d) sum += get(q + d) * get(k + d);
    put(scores.of(heads, row, head.number) + key, sum * heads.scale);
  }
}

// A thread takes a query: largest, sum, probabilities in the scores' place.
// Reads 12 S / D, writes 4 S / D of a number of the context; occupancy 100 % on sm_80, 100 % on sm_90.
__global__ void __launch_bounds__(threads) normalize_scores(Heads heads, Scores scores, float* lse) {
  const Head head(heads, blockIdx.x, threads, blockIdx.y);
  const int64_t query = head.first + threadIdx.x, row = head.begin + query;
  if (query >= head.length) return;
  float* const own = scores.of(heads, row, head.number);
  float most = none, sum = 0;
  for (int64_t key = 0; key < head.length; ++key) most = std::fmax(most, get(own + key));
  for (int64_t key = 0; key < head.length; ++key) sum += std::exp(get(own + key) - most);
  for (int64_t key = 0; key < head.length; ++key) put(own + key, std::exp(get(own + key) - most) / sum);
  lse[row * heads.count + head.number] = most + std::log(sum);
}

// context = probabilities v. A thread takes a number of the context.
// Reads (4 + b) S, writes b of a number of the context; occupancy 62 % on sm_80, 75 % on sm_90.
template <typename T>
__global__ void __launch_bounds__(threads)
    multiply_by_values(Heads heads, const T* qkv, Scores scores, T* context) {
  const Head head(heads, blockIdx.x, threads, blockIdx.y);
  const int64_t columns = 3 * heads.hidden();
  const T* const values = qkv + head.begin * columns + 2 * heads.hidden() + head.number * heads.size;
  for (int64_t i = head.first * heads.size + threadIdx.x;
       i < (head.first + threads) * heads.size && i / heads.size < head.length; i += threads) {
    const int64_t row = head.begin + i / heads.size, d = i % heads.size;
    const float* const own = scores.of(heads, row, head.number);
    float sum = 0;
    for (int64_t key = 0; key < head.length; ++key) sum += get(own + key) * get(values + key * columns + d);
    put(context + row * heads.hidden() + head.number * heads.size + d, sum);
  }
}

// A warp takes a query, whose sums over keys are in its registers: when a larger score comes, they are corrected. No score is stored,
// but every query reads all keys and values for itself.
// Reads (1 + 2 S) b, writes b of a number of the context; occupancy 100 % on sm_80, 100 % on sm_90.
template <typename T, int size>
__global__ void __launch_bounds__(threads)
    attend_by_warps(Heads heads, const T* qkv, T* context, float* lse) {
  constexpr int of_lane = size / 32;
  const Head head(heads, blockIdx.x, warps, blockIdx.y);
  const int64_t query = head.first + threadIdx.x / 32, row = head.begin + query, lane = threadIdx.x % 32;
  if (query >= head.length) return;  // the whole warp
  const int64_t hidden = heads.hidden(), columns = 3 * hidden;
  const T* const part = qkv + head.number * size + lane;
  float q[of_lane], sums[of_lane] = {}, most = none, total = 0;
  GRADUS_UNROLL
  for (int i = 0; i < of_lane; ++i) q[i] = get(part + row * columns + i * 32) * heads.scale;
  for (int64_t key = 0; key < head.length; ++key) {
    const T* const k = part + (head.begin + key) * columns + hidden;
    float score = 0;
    GRADUS_UNROLL
    for (int i = 0; i < of_lane; ++i) score += q[i] * get(k + i * 32);
    score = cuda::warp_sum(score);
    const float before = most;
    most = std::fmax(most, score);
    const float correction = std::exp(before - most), weight = std::exp(score - most);
    total = total * correction + weight;
    GRADUS_UNROLL
    for (int i = 0; i < of_lane; ++i) sums[i] = sums[i] * correction + weight * get(k + hidden + i * 32);
  }
  GRADUS_UNROLL
  for (int i = 0; i < of_lane; ++i)
    put(context + row * hidden + head.number * size + lane + i * 32, sums[i] / total);
  if (lane == 0) lse[row * heads.count + head.number] = most + std::log(total);
}

// --- rungs --------------------------------------------------------------------------------------------

// A block for each piece of `of_piece` queries of a head.
cuda::Grid grid_of(const AttentionProblem& problem, const Heads& heads) {
  return {dim3{static_cast<unsigned>(problem.forward.packing.count() * heads.pieces),
               static_cast<unsigned>(heads.count)},
          dim3{threads}};
}

void with_scores(const cuda::Stream& stream, const AttentionProblem& problem) {
  const AttentionForward& args = problem.forward;
  const Heads heads = cuda::heads_of(args.packing, args.heads, problem.head_size(), threads);
  const cuda::Grid grid = grid_of(problem, heads);
  const Tensor stored =
      Tensor::empty(args.qkv.backend(), {args.qkv.rows(), args.heads, args.packing.longest});
  const Scores scores{stored.data<float>(), args.packing.longest};
  dispatch_number(args.qkv.dtype(), [&](auto number) {
    using T = decltype(number);
    launch(stream, grid, multiply_by_keys<T>, heads, args.qkv.data<T>(), scores);
    launch(stream, grid, normalize_scores, heads, scores, args.lse.data<float>());
    launch(stream, grid, multiply_by_values<T>, heads, args.qkv.data<T>(), scores, args.context.data<T>());
  });
}

void by_warps(const cuda::Stream& stream, const AttentionProblem& problem) {
  const AttentionForward& args = problem.forward;
  const Heads heads = cuda::heads_of(args.packing, args.heads, problem.head_size(), warps);
  check(heads.size == 32 || heads.size == 64, "[ladder] heads of {} by warps: expected 32 or 64", heads.size);
  dispatch_number(args.qkv.dtype(), [&](auto number) {
    using T = decltype(number);
    launch(stream, grid_of(problem, heads),
           heads.size == 64 ? attend_by_warps<T, 64> : attend_by_warps<T, 32>, heads, args.qkv.data<T>(),
           args.context.data<T>(), args.lse.data<float>());
  });
}

void in_shared_memory(const cuda::Stream& stream, const AttentionProblem& problem) {
  cuda::attend_general(stream, problem.forward);
}

void on_tensor_cores(const cuda::Stream& stream, const AttentionProblem& problem) {
  const AttentionForward& args = problem.forward;
  check(cuda::fits_tiles(problem.head_size(), args.relative, {args.qkv, args.context}),
        "[ladder] {} and heads of {} on tensor cores: expected bfloat16, and 32 or 64",
        name_of(args.qkv.dtype()), problem.head_size());
  cuda::attend_tiles(stream, args);
}

// The sums over sequences and heads of S and of S times f(S).
template <typename F>
double sum_over_queries(const AttentionProblem& problem, F&& of_query) {
  double sum = 0;
  for (const int64_t length : problem.lengths) sum += static_cast<double>(length) * of_query(length);
  return sum * static_cast<double>(problem.forward.heads);
}

double size_of_number(const AttentionProblem& problem) {
  return static_cast<double>(size_of(problem.forward.qkv.dtype()));
}

// q, k, v read and the context written, once.
double of_operands(const AttentionProblem& problem) {
  const auto of_row = static_cast<double>(4 * problem.head_size());
  return sum_over_queries(problem, [&](int64_t) { return of_row * size_of_number(problem); });
}

Traffic traffic_with_scores(const AttentionProblem& problem) {
  const auto size = static_cast<double>(problem.head_size());
  const double b = size_of_number(problem);
  const double asked = sum_over_queries(problem, [&](int64_t length) {
    const auto keys = static_cast<double>(length);
    return keys * (2 * size * b + 4) + keys * 16 + size * (keys * (4 + b) + b);
  });
  return {asked, of_operands(problem) + sum_over_queries(problem, [](int64_t length) {
                   return 16 * static_cast<double>(length);
                 })};
}

// Where so many queries share what they read of keys and values.
Traffic traffic_in_tiles(const AttentionProblem& problem, int64_t queries) {
  const double of_row = static_cast<double>(problem.head_size()) * size_of_number(problem);
  const double shared = sum_over_queries(problem, [&](int64_t length) {
    return 2 * of_row * static_cast<double>(cuda::ceil_div(length, queries));
  });
  return {shared + sum_over_queries(problem, [&](int64_t) { return 2 * of_row; }), of_operands(problem)};
}

// A block has the warps that the longest sequence needs (dispatch_tiles), 16 queries each.
int64_t queries_of_tile(const AttentionProblem& problem) {
  const int64_t longest = problem.forward.packing.longest;
  return longest <= 32 ? 32 : 64;
}

}  // namespace

Ladder<AttentionProblem> attention_ladder() {
  return {
      {"scores in memory", with_scores, traffic_with_scores},
      {"a warp a query, no scores", by_warps,
       [](const AttentionProblem& p) { return traffic_in_tiles(p, 1); }},
      {"tiles in shared memory (the backend's general form)", in_shared_memory,
       [](const AttentionProblem& p) { return traffic_in_tiles(p, 16); }},
      {"tensor cores (the backend's)", on_tensor_cores,
       [](const AttentionProblem& p) { return traffic_in_tiles(p, queries_of_tile(p)); }},
  };
}

}  // namespace gradus::ladder
