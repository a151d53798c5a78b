// Linear-chain CRF (Lafferty et al. 2001): the forward recursion, its gradient, and Viterbi decoding.
//
// alpha[t][j] is the log of the summed scores of all paths that end in tag j at step t. Its rows are stored
// shifted so that their largest element is 0; the shifts are added up in double. So a long sequence loses no
// digits, and the gradient, which needs only differences within a row, takes the rows as they are.
#include <algorithm>
#include <cmath>
#include <limits>

#include "backends/cpu/backend.h"
#include "backends/cpu/parallel.h"
#include "backends/cpu/sequences.h"
#include "backends/cpu/vector_math.h"

namespace gradus::cpu {
namespace {

// A sum of scaled terms below this may have lost terms to underflow, and is done again in log space.
constexpr float smallest_sum = 1e-30F;

// The scores that all sequences share. exp(transitions) is kept with each column scaled by its largest
// element, so that a step of the recursion is a product instead of K^2 exponentials, and a score of -10000 is
// nothing special.
class Chain {
 public:
  Chain(const Tensor& transitions, const Tensor& start, const Tensor& end)
      : tags_(start.elements()),
        scores_(transitions.data<float>()),
        start_(start.data<float>()),
        end_(end.data<float>()),
        factors_(static_cast<size_t>(tags_ * tags_)),
        largest_(scores_, scores_ + tags_) {
    for (int64_t i = 1; i < tags_; ++i) {
      for (int64_t j = 0; j < tags_; ++j) largest_[j] = std::max(largest_[j], score(i, j));
    }
    for (int64_t i = 0; i < tags_; ++i) {
      for (int64_t j = 0; j < tags_; ++j) factors_[i * tags_ + j] = simd_exp(score(i, j) - largest_[j]);
    }
  }

  int64_t tags() const { return tags_; }
  const float* scores(int64_t from) const { return scores_ + from * tags_; }
  float score(int64_t from, int64_t to) const { return scores(from)[to]; }
  float start(int64_t tag) const { return start_[tag]; }
  float end(int64_t tag) const { return end_[tag]; }
  float largest(int64_t to) const { return largest_[to]; }                             // of score(., to)
  const float* factors(int64_t from) const { return factors_.data() + from * tags_; }  // exp(score - largest)

  // sums[j] = sum_i weights[i] factors(i)[j].
  void step(const float* weights, float* __restrict sums) const {
    std::fill_n(sums, tags_, 0.0F);
    for (int64_t i = 0; i < tags_; ++i) {
      const float* __restrict const row = factors(i);
      const float weight = weights[i];
#pragma omp simd
      for (int64_t j = 0; j < tags_; ++j) sums[j] += weight * row[j];
    }
  }

  // log sum_i exp(alpha[i] + score(i, to)), whatever the size of the terms.
  double log_sum(const float* alpha, int64_t to) const {
    double most = -std::numeric_limits<double>::infinity();
    for (int64_t i = 0; i < tags_; ++i) most = std::max(most, path(alpha, i, to));
    double sum = 0;
    for (int64_t i = 0; i < tags_; ++i) sum += std::exp(path(alpha, i, to) - most);
    return most + std::log(sum);
  }
  double path(const float* alpha, int64_t from, int64_t to) const {
    return static_cast<double>(alpha[from]) + score(from, to);
  }

 private:
  int64_t tags_;
  const float* scores_;
  const float* start_;
  const float* end_;
  std::vector<float> factors_;
  std::vector<float> largest_;
};

void exp_row(const float* __restrict alpha, int64_t tags, float* __restrict weights) {
#pragma omp simd
  for (int64_t j = 0; j < tags; ++j) weights[j] = simd_exp(alpha[j]);
}

// Stores raw - max(raw) and returns max(raw).
double shift_row(const std::vector<double>& raw, float* alpha) {
  const double most = *std::max_element(raw.begin(), raw.end());
  for (size_t j = 0; j < raw.size(); ++j) alpha[j] = static_cast<float>(raw[j] - most);
  return most;
}

// Fills alpha and returns the log-partition of one sequence of at least one token.
double forward_scores(const Chain& chain, const float* emissions, int64_t length, float* alpha) {
  const int64_t tags = chain.tags();
  std::vector<double> raw(static_cast<size_t>(tags));
  std::vector<float> weights(raw.size());
  std::vector<float> sums(raw.size());
  for (int64_t j = 0; j < tags; ++j) raw[j] = static_cast<double>(chain.start(j)) + emissions[j];
  double shift = shift_row(raw, alpha);
  for (int64_t t = 1; t < length; ++t, alpha += tags) {
    exp_row(alpha, tags, weights.data());
    chain.step(weights.data(), sums.data());
    for (int64_t j = 0; j < tags; ++j) {
      const double before = sums[j] >= smallest_sum
                                ? static_cast<double>(chain.largest(j)) + std::log(sums[j])
                                : chain.log_sum(alpha, j);
      raw[j] = before + emissions[t * tags + j];
    }
    shift += shift_row(raw, alpha + tags);
  }
  for (int64_t j = 0; j < tags; ++j) raw[j] = static_cast<double>(alpha[j]) + chain.end(j);
  const double most = *std::max_element(raw.begin(), raw.end());
  double sum = 0;
  for (const double x : raw) sum += std::exp(x - most);
  return shift + most + std::log(sum);
}

double path_score(const Chain& chain, const float* emissions, const int32_t* tags, int64_t length) {
  double score = static_cast<double>(chain.start(tags[0])) + chain.end(tags[length - 1]);
  for (int64_t t = 0; t < length; ++t) score += emissions[t * chain.tags() + tags[t]];
  for (int64_t t = 1; t < length; ++t) score += chain.score(tags[t - 1], tags[t]);
  return score;
}

// Expected minus gold counts of one sequence: transitions [K, K], start [K], end [K].
struct Counts {
  float* transitions;
  float* start;
  float* end;
};

// The probabilities of the last tag.
void last_marginals(const Chain& chain, const float* alpha, std::vector<float>& p) {
  const int64_t tags = chain.tags();
  for (int64_t j = 0; j < tags; ++j) p[j] = alpha[j] + chain.end(j);
  const float most = *std::max_element(p.begin(), p.end());
  double sum = 0;
  for (float& x : p) sum += x = simd_exp(x - most);
  for (float& x : p) x = static_cast<float>(x / sum);
}

// From the probabilities p of the tags at a step to those of the step before, q: the probability of the pair
// (i, j) is p[j] times the share of i in the sum that made alpha[j]. Adds the pairs' probabilities to `pairs`.
// `weights` and `sums` are work space.
void step_back(const Chain& chain, const float* alpha_before, const std::vector<float>& p,
               std::vector<float>& q, float* pairs, std::vector<float>& weights, std::vector<float>& sums) {
  const int64_t tags = chain.tags();
  exp_row(alpha_before, tags, weights.data());
  chain.step(weights.data(), sums.data());
  float* __restrict const share = sums.data();
  for (int64_t j = 0; j < tags; ++j) share[j] = share[j] >= smallest_sum ? p[j] / share[j] : -1;
  std::fill(q.begin(), q.end(), 0.0F);
  for (int64_t j = 0; j < tags; ++j) {
    if (share[j] >= 0) continue;
    share[j] = 0;
    if (p[j] == 0) continue;
    const double log_sum = chain.log_sum(alpha_before, j);
    for (int64_t i = 0; i < tags; ++i) {
      const auto pair = static_cast<float>(p[j] * std::exp(chain.path(alpha_before, i, j) - log_sum));
      pairs[i * tags + j] += pair;
      q[i] += pair;
    }
  }
  for (int64_t i = 0; i < tags; ++i) {
    const float* __restrict const factors = chain.factors(i);
    float* __restrict const row = pairs + i * tags;
    const float weight = weights[i];
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t j = 0; j < tags; ++j) {
      const float pair = weight * factors[j] * share[j];
      row[j] += pair;
      sum += pair;
    }
    q[i] += sum;
  }
  // Rounding would let the total drift away from 1 over a long sequence.
  float total = 0;
  for (const float x : q) total += x;
  for (float& x : q) x /= total;
}

// One sequence of at least one token: adds to the counts and writes scale times the gradient by its emissions
// (if wanted).
void backward_scores(const Chain& chain, const float* alpha, const int32_t* gold, int64_t length, float scale,
                     const Counts& counts, float* demissions, bool accumulate) {
  const int64_t tags = chain.tags();
  std::vector<float> p(static_cast<size_t>(tags));
  std::vector<float> q(p.size());
  std::vector<float> weights(p.size());
  std::vector<float> sums(p.size());
  last_marginals(chain, alpha + (length - 1) * tags, p);
  std::copy(p.begin(), p.end(), counts.end);
  counts.end[gold[length - 1]] -= 1;
  for (int64_t t = length - 1;; --t) {
    if (demissions) {
      float* const row = demissions + t * tags;
      for (int64_t j = 0; j < tags; ++j) {
        const float gradient = scale * (j == gold[t] ? p[j] - 1 : p[j]);
        row[j] = accumulate ? row[j] + gradient : gradient;
      }
    }
    if (t == 0) break;
    step_back(chain, alpha + (t - 1) * tags, p, q, counts.transitions, weights, sums);
    counts.transitions[gold[t - 1] * tags + gold[t]] -= 1;
    p.swap(q);
  }
  std::copy(p.begin(), p.end(), counts.start);
  counts.start[gold[0]] -= 1;
}

// Writes the best path of a sequence of at least one token. The scores are in double, so that a long sequence
// can't turn two different ones into equals.
void best_path(const Chain& chain, const float* emissions, int64_t length, int32_t* path) {
  const int64_t tags = chain.tags();
  std::vector<double> score(static_cast<size_t>(tags));
  std::vector<double> best(score.size());
  std::vector<int64_t> from(static_cast<size_t>(length * tags));  // the tag before the best path to (t, j)
  for (int64_t j = 0; j < tags; ++j) score[j] = static_cast<double>(chain.start(j)) + emissions[j];
  for (int64_t t = 1; t < length; ++t) {
    double* __restrict const best_j = best.data();
    int64_t* __restrict const from_j = from.data() + t * tags;
    for (int64_t j = 0; j < tags; ++j) best_j[j] = score[0] + chain.score(0, j);
    for (int64_t i = 1; i < tags; ++i) {
      const float* __restrict const scores = chain.scores(i);
      const double before = score[i];
#pragma omp simd
      for (int64_t j = 0; j < tags; ++j) {
        const double candidate = before + scores[j];
        from_j[j] = candidate > best_j[j] ? i : from_j[j];
        best_j[j] = candidate > best_j[j] ? candidate : best_j[j];
      }
    }
    for (int64_t j = 0; j < tags; ++j) score[j] = best[j] + emissions[t * tags + j];
  }
  for (int64_t j = 0; j < tags; ++j) score[j] += chain.end(j);
  int64_t tag = std::max_element(score.begin(), score.end()) - score.begin();
  for (int64_t t = length - 1; t >= 0; --t) {
    path[t] = static_cast<int32_t>(tag);
    tag = from[t * tags + tag];
  }
}

// Calls body(b, first row, length) for the sequences that have tokens, spread over the threads.
template <typename Body>
void for_each_sequence(const Packing& packing, Body&& body) {
  const int32_t* const offsets = packing.offsets.data<int32_t>();
  parallel_for_each(packing.count(), [&](int64_t b, int64_t) {
    if (offsets[b + 1] > offsets[b]) body(b, int64_t{offsets[b]}, int64_t{offsets[b + 1] - offsets[b]});
  });
}

// gradient = scale times the sum of the sequences' counts, in the order of the sequences.
void sum_counts(const std::vector<float>& counts, int64_t stride, int64_t offset, float scale,
                const Grad& gradient) {
  if (!gradient) return;
  float* __restrict const out = gradient.tensor.data<float>();
  const int64_t size = gradient.tensor.elements();
  std::vector<float> sum(static_cast<size_t>(size));
  for (size_t begin = static_cast<size_t>(offset); begin < counts.size();
       begin += static_cast<size_t>(stride)) {
    for (int64_t i = 0; i < size; ++i) sum[i] += counts[begin + i];
  }
  for (int64_t i = 0; i < size; ++i) out[i] = (gradient.accumulate ? out[i] : 0) + scale * sum[i];
}

}  // namespace

void CpuBackend::crf_nll_forward(const CrfNllForward& args) {
  const Chain chain(args.scores.transitions, args.scores.start, args.scores.end);
  const float* const scores = args.emissions.data<float>();
  const int32_t* const gold = args.tags.data<int32_t>();
  float* const alpha_out = args.alpha.data<float>();
  float* const log_z_out = args.log_z.data<float>();
  std::vector<double> losses(static_cast<size_t>(args.packing.count()));
  zero_rest(*this, args.alpha, args.packing);
  fill_zero({args.log_z});
  for_each_sequence(args.packing, [&](int64_t b, int64_t first, int64_t length) {
    const float* const x = scores + first * chain.tags();
    const double partition = forward_scores(chain, x, length, alpha_out + first * chain.tags());
    log_z_out[b] = static_cast<float>(partition);
    losses[b] = partition - path_score(chain, x, gold + first, length);
  });
  double sum = 0;
  for (const double x : losses) sum += x;
  *args.loss.data<float>() = static_cast<float>(sum);
}

void CpuBackend::crf_nll_backward(const CrfNllBackward& args) {
  const Chain chain(args.scores.transitions, args.scores.start, args.scores.end);
  const int64_t width = chain.tags();
  const int64_t pairs = width * width;
  const int64_t stride = pairs + 2 * width;
  const float scale = *args.dloss.data<float>();
  const int32_t* const gold = args.tags.data<int32_t>();
  const float* const alpha_in = args.alpha.data<float>();
  float* const dx = args.demissions.tensor.data<float>();
  std::vector<float> counts(static_cast<size_t>(args.packing.count() * stride));
  if (args.demissions && !args.demissions.accumulate) zero_rest(*this, args.demissions.tensor, args.packing);
  for_each_sequence(args.packing, [&](int64_t b, int64_t first, int64_t length) {
    float* const mine = counts.data() + b * stride;
    backward_scores(chain, alpha_in + first * width, gold + first, length, scale,
                    {mine, mine + pairs, mine + pairs + width}, dx ? dx + first * width : nullptr,
                    args.demissions.accumulate);
  });
  sum_counts(counts, stride, 0, scale, args.dtransitions);
  sum_counts(counts, stride, pairs, scale, args.dstart);
  sum_counts(counts, stride, pairs + width, scale, args.dend);
}

void CpuBackend::crf_viterbi(const CrfViterbi& args) {
  const Chain chain(args.scores.transitions, args.scores.start, args.scores.end);
  const float* const scores = args.emissions.data<float>();
  int32_t* const out = args.tags.data<int32_t>();
  zero_rest(*this, args.tags, args.packing);
  for_each_sequence(args.packing, [&](int64_t, int64_t first, int64_t length) {
    best_path(chain, scores + first * chain.tags(), length, out + first);
  });
}

}  // namespace gradus::cpu
