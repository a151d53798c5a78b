// Scaled dot-product self-attention within each sequence.
#include <algorithm>

#include "tests/naive_backend.h"
#include "tests/reference.h"

namespace gradus {
namespace reference {
namespace {

// One head's queries, keys and values inside packed rows [T, 3 H].
struct Head {
  int64_t number;
  int64_t size;    // D
  int64_t hidden;  // H

  int64_t query(int64_t d) const { return number * size + d; }
  int64_t key(int64_t d) const { return hidden + query(d); }
  int64_t value(int64_t d) const { return 2 * hidden + query(d); }
  double scale() const { return 1 / std::sqrt(static_cast<double>(size)); }
};

// What attention reads: packed rows, and a table of relative positions, which may be empty.
struct Operands {
  const Matrix& qkv;
  const Matrix& table;

  // The table's row for query i and key j.
  int64_t distance(int64_t i, int64_t j) const {
    const int64_t farthest = (table.rows() - 1) / 2;
    return std::min(std::max(j - i, -farthest), farthest) + farthest;
  }
  double relative(int64_t i, int64_t j, int64_t d) const { return table ? table(distance(i, j), d) : 0; }
  // The key and the value j as query i meets them.
  double key(const Head& head, int64_t i, int64_t j, int64_t d) const {
    return qkv(j, head.key(d)) + relative(i, j, d);
  }
  double value(const Head& head, int64_t i, int64_t j, int64_t d) const {
    return qkv(j, head.value(d)) + relative(i, j, d);
  }
  // q[i] . key / sqrt(D)
  double score(const Head& head, int64_t i, int64_t j) const {
    double sum = 0;
    for (int64_t d = 0; d < head.size; ++d) sum += qkv(i, head.query(d)) * key(head, i, j, d);
    return sum * head.scale();
  }
};

// Calls body(head, sequence) for each head of each sequence.
template <typename Body>
void for_each_head(const Matrix& qkv, const Sequences& sequences, int64_t heads, Body&& body) {
  const int64_t hidden = qkv.columns() / 3;
  for (const Sequence& sequence : sequences) {
    for (int64_t n = 0; n < heads; ++n) body(Head{n, hidden / heads, hidden}, sequence);
  }
}

}  // namespace

Attention attention(const Matrix& qkv, const Sequences& sequences, int64_t heads, const Dropout& dropout,
                    const Matrix& relative) {
  const Operands operands{qkv, relative};
  Attention result{Matrix(qkv.rows(), qkv.columns() / 3), Matrix(qkv.rows(), heads)};
  for_each_head(qkv, sequences, heads, [&](const Head& head, const Sequence& sequence) {
    const auto [begin, end] = sequence;
    for (int64_t i = begin; i < end; ++i) {
      std::vector<double> scores;
      for (int64_t j = begin; j < end; ++j) scores.push_back(operands.score(head, i, j));
      const double lse = log_sum_exp(end - begin, [&](int64_t j) { return scores[static_cast<size_t>(j)]; });
      result.lse(i, head.number) = lse;
      for (int64_t j = begin; j < end; ++j) {
        const double probability = std::exp(scores[static_cast<size_t>(j - begin)] - lse) *
                                   dropout_factor(dropout, i * heads + head.number, j - begin);
        for (int64_t d = 0; d < head.size; ++d) {
          result.context(i, head.query(d)) += probability * operands.value(head, i, j, d);
        }
      }
    }
  });
  return result;
}

struct AttentionGradients {
  Matrix qkv, relative;
};

// With p the softmax, m the dropout factors and dp[j] = m[j] (dcontext . v[j]) for one query:
//   dv[j] += m[j] p[j] dcontext,  dscore[j] = p[j] (dp[j] - sum over k of p[k] dp[k]).
// What is added to a key or a value has the same gradient.
static AttentionGradients attention_gradient(const Matrix& dcontext, const Operands& operands,
                                             const Matrix& lse, const Sequences& sequences, int64_t heads,
                                             const Dropout& dropout) {
  const Matrix& qkv = operands.qkv;
  AttentionGradients d{Matrix(qkv.rows(), qkv.columns()),
                       Matrix(operands.table.rows(), operands.table.columns())};
  const auto add_to_relative = [&](int64_t i, int64_t j, int64_t at, double value) {
    if (operands.table) d.relative(operands.distance(i, j), at) += value;
  };
  for_each_head(qkv, sequences, heads, [&](const Head& head, const Sequence& sequence) {
    const auto [begin, end] = sequence;
    for (int64_t i = begin; i < end; ++i) {
      std::vector<double> p;
      std::vector<double> dp;
      double mean_dp = 0;
      for (int64_t j = begin; j < end; ++j) {
        const double factor = dropout_factor(dropout, i * heads + head.number, j - begin);
        p.push_back(std::exp(operands.score(head, i, j) - lse(i, head.number)));
        dp.push_back(0);
        for (int64_t at = 0; at < head.size; ++at) {
          dp.back() += factor * dcontext(i, head.query(at)) * operands.value(head, i, j, at);
          const double dvalue = factor * p.back() * dcontext(i, head.query(at));
          d.qkv(j, head.value(at)) += dvalue;
          add_to_relative(i, j, at, dvalue);
        }
        mean_dp += p.back() * dp.back();
      }
      for (int64_t j = begin; j < end; ++j) {
        const auto key = static_cast<size_t>(j - begin);
        const double dscore = p[key] * (dp[key] - mean_dp) * head.scale();
        for (int64_t at = 0; at < head.size; ++at) {
          d.qkv(i, head.query(at)) += dscore * operands.key(head, i, j, at);
          const double dkey = dscore * qkv(i, head.query(at));
          d.qkv(j, head.key(at)) += dkey;
          add_to_relative(i, j, at, dkey);
        }
      }
    }
  });
  return d;
}

}  // namespace reference

using reference::load;
using reference::sequences_of;
using reference::store;

void NaiveBackend::attention_forward(const AttentionForward& args) {
  const auto result = reference::attention(load(args.qkv), sequences_of(args.packing), args.heads,
                                           args.dropout, load(args.relative));
  store(result.context, args.context);
  store(result.lse, args.lse);
}

void NaiveBackend::attention_backward(const AttentionBackward& args) {
  const auto qkv = load(args.qkv), relative = load(args.relative);
  const auto d = reference::attention_gradient(load(args.dcontext), {qkv, relative}, load(args.lse),
                                               sequences_of(args.packing), args.heads, args.dropout);
  store(d.qkv, args.dqkv);
  store(d.relative, args.drelative);
}

}  // namespace gradus
