// The linear-chain conditional random field: likelihood by the forward algorithm, best path by Viterbi's.
#include <algorithm>

#include "tests/naive_backend.h"
#include "tests/reference.h"

namespace gradus {
namespace reference {

double crf_path_score(const Matrix& emissions, const std::vector<int32_t>& tags, const Sequence& sequence,
                      const CrfScores& scores) {
  const auto [begin, end] = sequence;
  if (begin == end) return 0;
  const auto tag = [&](int64_t t) { return tags[static_cast<size_t>(t)]; };
  double score = scores.start[tag(begin)] + scores.end[tag(end - 1)];
  for (int64_t t = begin; t < end; ++t) score += emissions(t, tag(t));
  for (int64_t t = begin + 1; t < end; ++t) score += scores.transitions(tag(t - 1), tag(t));
  return score;
}

// alpha[t][k] is the log-sum-exp of the scores of all paths up to t that end in tag k.
CrfNll crf_nll(const Matrix& emissions, const std::vector<int32_t>& tags, const Sequences& sequences,
               const CrfScores& scores) {
  const int64_t tag_count = emissions.columns();
  CrfNll result{0, Matrix(emissions.rows(), tag_count), Matrix(1, static_cast<int64_t>(sequences.size()))};
  auto& [loss, alpha, log_z] = result;
  for (int64_t b = 0; b < log_z.size(); ++b) {
    const auto [begin, end] = sequences[static_cast<size_t>(b)];
    if (begin == end) continue;
    for (int64_t k = 0; k < tag_count; ++k) alpha(begin, k) = scores.start[k] + emissions(begin, k);
    for (int64_t t = begin + 1; t < end; ++t) {
      for (int64_t k = 0; k < tag_count; ++k) {
        const auto arrive = [&](int64_t j) { return alpha(t - 1, j) + scores.transitions(j, k); };
        alpha(t, k) = emissions(t, k) + log_sum_exp(tag_count, arrive);
      }
    }
    const auto leave = [&](int64_t k) { return alpha(end - 1, k) + scores.end[k]; };
    log_z[b] = log_sum_exp(tag_count, leave);
    loss += (log_z[b] - crf_path_score(emissions, tags, {begin, end}, scores));
  }
  return result;
}

namespace {

struct CrfGradient {
  Matrix emissions, transitions, start, end;
};

// beta[t][k] is the log-sum-exp of the scores of all continuations after t from tag k.
Matrix backward_scores(const Matrix& emissions, const Sequences& sequences, const CrfScores& scores) {
  const int64_t tag_count = emissions.columns();
  Matrix beta(emissions.rows(), tag_count);
  for (const auto& [begin, end] : sequences) {
    if (begin == end) continue;
    for (int64_t k = 0; k < tag_count; ++k) beta(end - 1, k) = scores.end[k];
    for (int64_t t = end - 2; t >= begin; --t) {
      for (int64_t j = 0; j < tag_count; ++j) {
        beta(t, j) = log_sum_exp(tag_count, [&](int64_t k) {
          return scores.transitions(j, k) + emissions(t + 1, k) + beta(t + 1, k);
        });
      }
    }
  }
  return beta;
}

// The derivative of the log-partition by a score is the probability that a path uses it; that of the gold
// path's score is 1 where the path uses it.
CrfGradient crf_gradient(const Matrix& emissions, const std::vector<int32_t>& tags,
                         const Sequences& sequences, const CrfScores& scores, const Matrix& alpha,
                         const Matrix& log_z, double factor) {
  const int64_t tag_count = emissions.columns();
  CrfGradient d{Matrix(emissions.rows(), tag_count), Matrix(tag_count, tag_count), Matrix(1, tag_count),
                Matrix(1, tag_count)};
  const Matrix beta = backward_scores(emissions, sequences, scores);
  const auto gold = [&](int64_t t, int64_t k) { return tags[static_cast<size_t>(t)] == k ? 1.0 : 0.0; };
  for (int64_t b = 0; b < log_z.size(); ++b) {
    const auto [begin, end] = sequences[static_cast<size_t>(b)];
    for (int64_t t = begin; t < end; ++t) {
      for (int64_t k = 0; k < tag_count; ++k) {
        const double here = factor * (std::exp(alpha(t, k) + beta(t, k) - log_z[b]) - gold(t, k));
        d.emissions(t, k) += here;
        if (t == begin) d.start[k] += here;
        if (t == end - 1) d.end[k] += here;
        for (int64_t j = 0; j < tag_count && t > begin; ++j) {
          const double score = alpha(t - 1, j) + scores.transitions(j, k) + emissions(t, k) + beta(t, k);
          d.transitions(j, k) += factor * (std::exp(score - log_z[b]) - gold(t - 1, j) * gold(t, k));
        }
      }
    }
  }
  return d;
}

// Writes the best path through one sequence to `tags`.
void best_path(const Matrix& emissions, const Sequence& sequence, const CrfScores& scores,
               std::vector<int32_t>& tags) {
  const auto [begin, end] = sequence;
  if (begin == end) return;
  const int64_t tag_count = emissions.columns();
  // The first index with the largest value.
  const auto best = [&](auto&& value) {
    int64_t winner = 0;
    for (int64_t k = 1; k < tag_count; ++k) {
      if (value(k) > value(winner)) winner = k;
    }
    return winner;
  };
  Matrix score(emissions.rows(), tag_count);  // of the best path up to t that ends in k
  Matrix from(emissions.rows(), tag_count);   // the tag before k on that path
  for (int64_t k = 0; k < tag_count; ++k) score(begin, k) = scores.start[k] + emissions(begin, k);
  for (int64_t t = begin + 1; t < end; ++t) {
    for (int64_t k = 0; k < tag_count; ++k) {
      const auto arrive = [&](int64_t j) { return score(t - 1, j) + scores.transitions(j, k); };
      const int64_t j = best(arrive);
      from(t, k) = static_cast<double>(j);
      score(t, k) = arrive(j) + emissions(t, k);
    }
  }
  auto tag = best([&](int64_t k) { return score(end - 1, k) + scores.end[k]; });
  for (int64_t t = end - 1; t >= begin; --t) {
    tags[static_cast<size_t>(t)] = static_cast<int32_t>(tag);
    tag = static_cast<int64_t>(from(t, tag));
  }
}

}  // namespace
}  // namespace reference

using reference::load;
using reference::sequences_of;
using reference::store;

void NaiveBackend::crf_nll_forward(const CrfNllForward& args) {
  const auto result =
      reference::crf_nll(load(args.emissions), args.tags.to_host_int(), sequences_of(args.packing),
                         {load(args.scores.transitions), load(args.scores.start), load(args.scores.end)});
  args.loss.copy_from_host(std::vector{static_cast<float>(result.loss)});
  store(result.alpha, args.alpha);
  store(result.log_z, args.log_z);
}

void NaiveBackend::crf_nll_backward(const CrfNllBackward& args) {
  const reference::Matrix emissions = load(args.emissions);
  const std::vector<int32_t> tags = args.tags.to_host_int();
  const reference::Sequences sequences = sequences_of(args.packing);
  const reference::CrfScores scores{load(args.scores.transitions), load(args.scores.start),
                                    load(args.scores.end)};
  // Forward scores grow with the sequence; what args.alpha keeps of them, as floats, is too coarse for a long one.
  const auto forward = reference::crf_nll(emissions, tags, sequences, scores);
  const auto d = reference::crf_gradient(emissions, tags, sequences, scores, forward.alpha, forward.log_z,
                                         static_cast<double>(args.dloss.item()));
  store(d.emissions, args.demissions);
  store(d.transitions, args.dtransitions);
  store(d.start, args.dstart);
  store(d.end, args.dend);
}

void NaiveBackend::crf_viterbi(const CrfViterbi& args) {
  const reference::Matrix values = load(args.emissions);
  const reference::CrfScores scores{load(args.scores.transitions), load(args.scores.start),
                                    load(args.scores.end)};
  std::vector<int32_t> best(static_cast<size_t>(values.rows()));
  for (const auto& sequence : sequences_of(args.packing))
    reference::best_path(values, sequence, scores, best);
  copy_from_host(best.data(), args.tags);
}

}  // namespace gradus
