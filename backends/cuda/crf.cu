// Linear-chain CRF (Lafferty et al. 2001): log-partition, its gradient, and Viterbi decoding.
//
// A block takes a sequence, a thread a tag; up to 32 tags a block is a warp, and many are on a multiprocessor at once. A step is K^2
// exponentials, whose operands are in shared memory (the row of scores) and in the first cache (the transitions), and 8 bytes of
// memory a tag. What bounds it is how long a step takes from its beginning to its end, K terms one after the other.
//
// Rows of alpha are kept shifted so that their largest element is 0; the shifts are added up in double. So long sequences lose no
// digits, and the gradient, which needs only differences within a row, takes the rows as they are.
#include <cmath>
#include <limits>

#include "backends/cuda/dispatch.h"
#include "backends/cuda/kernels.h"
#include "backends/cuda/sequences.h"
#include "backends/cuda/sums.h"
#include "core/backend.h"

namespace gradus::cuda {
namespace {

// On the emulated device so few that more tags than threads, and more sequences than slabs, are in tests.
#ifdef GRADUS_EMULATED_DEVICE
constexpr int most_threads = 64;
constexpr int64_t most_slabs = 3;
#else
constexpr int most_threads = 256;
constexpr int64_t most_slabs = 16;  // of sequences, whose pairs of tags are counted first
#endif
constexpr int flat_threads = 128;  // of kernels that go over pairs of tags
constexpr size_t shared_of_tag = 16;
constexpr int64_t most_tags = (size_t{96} << 10) / shared_of_tag;  // every device from sm_80 on has that much

// The scores that all sequences share.
struct Chain {
  int64_t tags;
  const float *transitions, *start, *end;

  explicit Chain(const CrfScores& scores)
      : tags(scores.start.elements()),
        transitions(scores.transitions.data<float>()),
        start(scores.start.data<float>()),
        end(scores.end.data<float>()) {
    check(tags <= most_tags, "[crf] {} tags: the CUDA backend takes {} at most", tags, most_tags);
  }
  __device__ float score(int64_t from, int64_t to) const { return transitions[from * tags + to]; }
};

constexpr float lowest = -std::numeric_limits<float>::infinity();

// exp(most) times `sum`: of all paths that come to a tag.
struct Arrival {
  float most = lowest, sum = 0;

  __device__ Arrival(const Chain& chain, const float* before, int64_t to) {
    for (int64_t from = 0; from < chain.tags; ++from)
      most = std::fmax(most, before[from] + chain.score(from, to));
    for (int64_t from = 0; from < chain.tags; ++from)
      sum += std::exp(before[from] + chain.score(from, to) - most);
  }
};

// alpha[t][j] is the log of the summed scores of all paths that end in tag j at t, less the row's largest.
// Reads 4, writes 4 of an emission; occupancy 50 % on sm_80, 50 % on sm_90, with 144 bytes of dynamic shared memory, with 32 threads.
__global__ void __launch_bounds__(most_threads)
    sum_paths(Chain chain, Offsets offsets, const float* emissions, const int32_t* gold, float* alpha,
              float* log_z, double* losses, int64_t rows) {
  GRADUS_DYNAMIC_SHARED(float, shared);  // two rows of scores
  GRADUS_SHARED(float, scratch, 32);
  GRADUS_SHARED(double, double_scratch, 32);
  const int64_t tags = chain.tags, b = blockIdx.x;
  clear_rest(offsets, alpha, rows, tags);
  if (b >= offsets.count) return;  // the whole block, as below
  const int64_t begin = offsets.begin(b), end = offsets.end(b);
  if (begin == end) {
    if (threadIdx.x == 0) log_z[b] = 0, losses[b] = 0;
    return;
  }
  float* row = shared;
  double shift = 0;
  for (int64_t t = begin; t < end; ++t) {
    const float* const before = row;
    row = shared + (t - begin) % 2 * tags;
    float most = lowest;
    for (int64_t j = threadIdx.x; j < tags; j += blockDim.x) {
      const float emission = emissions[t * tags + j];  // asked for before the sum, to be there with it
      float score = chain.start[j];
      if (t > begin) {
        const Arrival arrival(chain, before, j);
        score = arrival.most + std::log(arrival.sum);
      }
      row[j] = score + emission;
      most = std::fmax(most, row[j]);
    }
    most = block_max(most, scratch);
    shift += most;
    for (int64_t j = threadIdx.x; j < tags; j += blockDim.x) {
      row[j] -= most;
      alpha[t * tags + j] = row[j];
    }
    __syncthreads();
  }
  float most = lowest, sum = 0;
  for (int64_t j = threadIdx.x; j < tags; j += blockDim.x) most = std::fmax(most, row[j] + chain.end[j]);
  most = block_max(most, scratch);
  for (int64_t j = threadIdx.x; j < tags; j += blockDim.x) sum += std::exp(row[j] + chain.end[j] - most);
  sum = block_sum(sum, scratch);
  double gold_score = 0;
  for (int64_t t = begin + threadIdx.x; t < end; t += blockDim.x) {
    const int32_t tag = gold[t];
    gold_score += t == begin ? chain.start[tag] : chain.score(gold[t - 1], tag);
    gold_score += emissions[t * tags + tag];
    if (t == end - 1) gold_score += chain.end[tag];
  }
  gold_score = block_sum(gold_score, double_scratch);
  if (threadIdx.x != 0) return;
  const double partition = shift + most + std::log(static_cast<double>(sum));
  log_z[b] = static_cast<float>(partition);
  losses[b] = partition - gold_score;
}

// The transitions from a tag side by side for the threads of a warp, which ask for those to one.
// Reads 4, writes 4 of a pair of tags; occupancy 100 % on sm_80, 100 % on sm_90.
__global__ void __launch_bounds__(flat_threads) transpose(const float* x, int64_t tags, float* y) {
  for (int64_t i = global_thread(); i < tags * tags; i += global_threads())
    y[i % tags * tags + i / tags] = x[i];
}

// What the way back leaves for the sums over sequences. The probability that a path has tags i and j at t - 1 and t is
// share[t][j] exp(alpha[t - 1][i] + transitions[i][j] - most[t][j]): that of j at t times the part of i in the paths that come to j.
struct Marginals {
  float *most, *share;  // [T, K], nowhere at the first token of a sequence; absent where nobody counts pairs
  float *firsts, *lasts;  // [B, K]: the probabilities of the tags at both ends
};

// The probabilities of tags, from the end to the start: those at t - 1 are sums of pairs with those at t.
// Reads 4, writes 12 of an emission; occupancy 50 % on sm_80, 50 % on sm_90, with 144 bytes of dynamic shared memory, with 32 threads.
__global__ void __launch_bounds__(most_threads)
    find_marginals(Chain chain, Offsets offsets, const float* from_tags, const float* dloss,
                   const int32_t* gold, const float* alpha, Target<float> demissions, Marginals to,
                   int64_t rows) {
  GRADUS_DYNAMIC_SHARED(float, shared);
  GRADUS_SHARED(float, scratch, 32);
  const int64_t tags = chain.tags, b = blockIdx.x;
  if (demissions.data != nullptr && !demissions.accumulate) clear_rest(offsets, demissions.data, rows, tags);
  if (b >= offsets.count) return;
  const int64_t begin = offsets.begin(b), end = offsets.end(b);
  if (begin == end) return;
  float* const p = shared;  // only the tag's thread reads it
  float *const before = p + tags, *const most = before + tags, *const share = most + tags;
  const float* const last = alpha + (end - 1) * tags;
  float largest = lowest, sum = 0;
  for (int64_t j = threadIdx.x; j < tags; j += blockDim.x)
    largest = std::fmax(largest, last[j] + chain.end[j]);
  largest = block_max(largest, scratch);
  for (int64_t j = threadIdx.x; j < tags; j += blockDim.x) {
    p[j] = std::exp(last[j] + chain.end[j] - largest);
    sum += p[j];
  }
  sum = block_sum(sum, scratch);
  for (int64_t j = threadIdx.x; j < tags; j += blockDim.x) to.lasts[b * tags + j] = p[j] /= sum;
  for (int64_t t = end - 1;; --t) {
    for (int64_t j = threadIdx.x; j < tags; j += blockDim.x) {
      demissions.put(t * tags + j, *dloss * (j == gold[t] ? p[j] - 1 : p[j]));
      if (t > begin) before[j] = alpha[(t - 1) * tags + j];
    }
    if (t == begin) break;
    __syncthreads();
    for (int64_t j = threadIdx.x; j < tags; j += blockDim.x) {
      const Arrival arrival(chain, before, j);
      most[j] = arrival.most;
      share[j] = p[j] / arrival.sum;
      if (to.most != nullptr) {
        to.most[t * tags + j] = most[j];
        to.share[t * tags + j] = share[j];
      }
    }
    __syncthreads();
    for (int64_t i = threadIdx.x; i < tags; i += blockDim.x) {
      float pairs = 0;
      for (int64_t j = 0; j < tags; ++j)
        pairs += share[j] * std::exp(before[i] + from_tags[j * tags + i] - most[j]);
      p[i] = pairs;
    }
  }
  for (int64_t j = threadIdx.x; j < tags; j += blockDim.x) to.firsts[b * tags + j] = p[j];
}

// partial [slabs, K, K]: of the sequences of a slab, how often a path has a pair of tags less how often the gold one has it. A thread takes a
// pair, and reads 12 bytes a token, most of which its neighbours read as well.
// Reads 12 of a pair of tags and a token; occupancy 75 % on sm_80, 100 % on sm_90.
__global__ void __launch_bounds__(flat_threads)
    count_pairs(Chain chain, Offsets offsets, const int32_t* gold, const float* alpha, Marginals marginals,
                int64_t slab_sequences, float* partial) {
  const int64_t pair = global_thread(), tags = chain.tags;
  if (pair >= tags * tags) return;
  const int64_t from = pair / tags, to = pair % tags, slab = blockIdx.y, first = slab * slab_sequences;
  const int64_t last = first + slab_sequences < offsets.count ? first + slab_sequences : offsets.count;
  const float score = chain.score(from, to);
  float sum = 0;
  for (int64_t b = first; b < last; ++b) {
    for (int64_t t = int64_t{offsets.begin(b)} + 1; t < offsets.end(b); ++t) {
      sum += marginals.share[t * tags + to] *
             std::exp(alpha[(t - 1) * tags + from] + score - marginals.most[t * tags + to]);
      if (gold[t - 1] == from && gold[t] == to) sum -= 1;
    }
  }
  partial[slab * tags * tags + pair] = sum;
}

// Of both ends, in the order of the sequences. A thread takes a tag.
// Reads 8 of a tag and a sequence; occupancy 100 % on sm_80, 100 % on sm_90.
__global__ void __launch_bounds__(flat_threads)
    add_ends(Offsets offsets, const int32_t* gold, Marginals marginals, const float* dloss,
             Target<float> dstart, Target<float> dend, int64_t tags) {
  const int64_t j = global_thread();
  if (j >= tags) return;
  float start = 0, end = 0;
  for (int64_t b = 0; b < offsets.count; ++b) {
    if (offsets.begin(b) == offsets.end(b)) continue;
    start += marginals.firsts[b * tags + j] - (gold[offsets.begin(b)] == j ? 1.0F : 0.0F);
    end += marginals.lasts[b * tags + j] - (gold[offsets.end(b) - 1] == j ? 1.0F : 0.0F);
  }
  dstart.put(j, *dloss * start);
  dend.put(j, *dloss * end);
}

// The best path. Scores are in double, so that a long sequence can't turn two different ones into equals. `from` [T, K] receives the tag
// before j on the best path to (t, j); one thread follows it back.
// Reads 4, writes 4 of an emission; occupancy 50 % on sm_80, 50 % on sm_90, with 144 bytes of dynamic shared memory, with 32 threads.
__global__ void __launch_bounds__(most_threads)
    find_best_paths(Chain chain, Offsets offsets, const float* emissions, int32_t* from, int32_t* path,
                    int64_t rows) {
  GRADUS_DYNAMIC_SHARED(double, shared);  // two rows of scores
  const int64_t tags = chain.tags, b = blockIdx.x;
  clear_rest(offsets, path, rows, 1);
  if (b >= offsets.count) return;
  const int64_t begin = offsets.begin(b), end = offsets.end(b);
  if (begin == end) return;
  double* row = shared;
  for (int64_t t = begin; t < end; ++t) {
    const double* const before = row;
    row = shared + (t - begin) % 2 * tags;
    for (int64_t j = threadIdx.x; j < tags; j += blockDim.x) {
      const float emission = emissions[t * tags + j];
      double best = chain.start[j];
      int32_t best_tag = 0;
      if (t > begin) {
        best = before[0] + chain.score(0, j);
        for (int64_t i = 1; i < tags; ++i) {
          const double score = before[i] + chain.score(i, j);
          if (!(score > best)) continue;
          best = score;
          best_tag = static_cast<int32_t>(i);
        }
      }
      row[j] = best + emission;
      from[t * tags + j] = best_tag;
    }
    __syncthreads();
  }
  if (threadIdx.x != 0) return;
  int32_t tag = 0;
  for (int32_t j = 1; j < tags; ++j)
    if (row[j] + chain.end[j] > row[tag] + chain.end[tag]) tag = j;
  for (int64_t t = end - 1; t >= begin; --t) {
    path[t] = tag;
    tag = from[t * tags + tag];
  }
}

Grid grid_of(const Chain& chain, const Packing& packing) {
  const int64_t warps = std::clamp<int64_t>(ceil_div(chain.tags, 32), 1, most_threads / 32);
  return {blocks_for(packing.count(), 1), dim3{static_cast<unsigned>(warps * 32)},
          shared_of_tag * static_cast<size_t>(chain.tags)};
}

Tensor scratch(Backend& backend, int64_t elements) {
  return Tensor::empty(backend, {std::max<int64_t>(elements, 1)});
}

}  // namespace

void crf_nll_forward(const Stream& stream, const CrfNllForward& args) {
  const Chain chain(args.scores);
  const int64_t count = args.packing.count();
  const Tensor losses =
      Tensor::empty(args.emissions.backend(),
                    {std::max<int64_t>(count, 1) * static_cast<int64_t>(sizeof(double))}, DType::uint8);
  auto* const losses_data = reinterpret_cast<double*>(losses.data<uint8_t>());
  launch(stream, grid_of(chain, args.packing), sum_paths, chain, Offsets(args.packing),
         args.emissions.data<float>(), args.tags.data<int32_t>(), args.alpha.data<float>(),
         args.log_z.data<float>(), losses_data, args.emissions.rows());
  launch(stream, {dim3{1}, dim3{flat_threads}}, add_up<flat_threads, double>, losses_data, count,
         args.loss.data<float>());
}

void crf_nll_backward(const Stream& stream, const CrfNllBackward& args) {
  if (!args.demissions && !args.dtransitions && !args.dstart && !args.dend) return;
  const Chain chain(args.scores);
  const Offsets offsets(args.packing);
  Backend& backend = args.alpha.backend();
  const int64_t count = args.packing.count(), tags = chain.tags, pairs = tags * tags;
  const auto *const alpha = args.alpha.data<float>(), *const dloss = args.dloss.data<float>();
  const auto* const gold = args.tags.data<int32_t>();
  const int64_t tokens = args.dtransitions ? args.alpha.elements() : 0;
  const Tensor from_tags = scratch(backend, pairs), most = scratch(backend, tokens),
               share = scratch(backend, tokens), firsts = scratch(backend, count * tags),
               lasts = scratch(backend, count * tags);
  const Marginals marginals{args.dtransitions ? most.data<float>() : nullptr, share.data<float>(),
                            firsts.data<float>(), lasts.data<float>()};
  const dim3 pair_blocks = blocks_for(pairs, flat_threads);
  launch(stream, {blocks_for(pairs, flat_threads, most_blocks), dim3{flat_threads}}, transpose,
         chain.transitions, tags, from_tags.data<float>());
  launch(stream, grid_of(chain, args.packing), find_marginals, chain, offsets, from_tags.data<float>(), dloss,
         gold, alpha, Target<float>(args.demissions), marginals, args.alpha.rows());
  if (args.dtransitions) {
    const int64_t slab_sequences = std::max<int64_t>(ceil_div(count, most_slabs), 1),
                  slabs = ceil_div(count, slab_sequences);
    const Tensor partial = scratch(backend, slabs * pairs);
    if (slabs > 0)
      launch(stream, {dim3{pair_blocks.x, static_cast<unsigned>(slabs)}, dim3{flat_threads}}, count_pairs,
             chain, offsets, gold, alpha, marginals, slab_sequences, partial.data<float>());
    add_up_parts<flat_threads>(stream, partial, slabs, dloss, args.dtransitions);
  }
  if (args.dstart || args.dend)
    launch(stream, {blocks_for(tags, flat_threads), dim3{flat_threads}}, add_ends, offsets, gold, marginals,
           dloss, Target<float>(args.dstart), Target<float>(args.dend), tags);
}

void crf_viterbi(const Stream& stream, const CrfViterbi& args) {
  const Chain chain(args.scores);
  const Tensor from = Tensor::empty(args.emissions.backend(),
                                    {std::max<int64_t>(args.emissions.elements(), 1)}, DType::int32);
  launch(stream, grid_of(chain, args.packing), find_best_paths, chain, Offsets(args.packing),
         args.emissions.data<float>(), from.data<int32_t>(), args.tags.data<int32_t>(),
         args.emissions.rows());
}

}  // namespace gradus::cuda
