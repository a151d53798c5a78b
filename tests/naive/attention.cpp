// Scaled dot-product self-attention within each sequence.
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

  // q[i] . k[j] / sqrt(D)
  double score(const Matrix& qkv, int64_t i, int64_t j) const {
    double sum = 0;
    for (int64_t d = 0; d < size; ++d) sum += qkv(i, query(d)) * qkv(j, key(d));
    return sum * scale();
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

Attention attention(const Matrix& qkv, const Sequences& sequences, int64_t heads, const Dropout& dropout) {
  Attention result{Matrix(qkv.rows(), qkv.columns() / 3), Matrix(qkv.rows(), heads)};
  for_each_head(qkv, sequences, heads, [&](const Head& head, const Sequence& sequence) {
    const auto [begin, end] = sequence;
    for (int64_t i = begin; i < end; ++i) {
      const double lse = log_sum_exp(end - begin, [&](int64_t j) { return head.score(qkv, i, begin + j); });
      result.lse(i, head.number) = lse;
      for (int64_t j = begin; j < end; ++j) {
        const double probability = std::exp(head.score(qkv, i, j) - lse) *
                                   dropout_factor(dropout, i * heads + head.number, j - begin);
        for (int64_t d = 0; d < head.size; ++d) {
          result.context(i, head.query(d)) += probability * qkv(j, head.value(d));
        }
      }
    }
  });
  return result;
}

// With p the softmax, m the dropout factors and dp[j] = m[j] (dcontext . v[j]) for one query:
//   dv[j] += m[j] p[j] dcontext,  dscore[j] = p[j] (dp[j] - sum over k of p[k] dp[k]).
static Matrix attention_gradient(const Matrix& dcontext, const Matrix& qkv, const Matrix& lse,
                                 const Sequences& sequences, int64_t heads, const Dropout& dropout) {
  Matrix dqkv(qkv.rows(), qkv.columns());
  for_each_head(qkv, sequences, heads, [&](const Head& head, const Sequence& sequence) {
    const auto [begin, end] = sequence;
    for (int64_t i = begin; i < end; ++i) {
      std::vector<double> p;
      std::vector<double> dp;
      double mean_dp = 0;
      for (int64_t j = begin; j < end; ++j) {
        const double factor = dropout_factor(dropout, i * heads + head.number, j - begin);
        p.push_back(std::exp(head.score(qkv, i, j) - lse(i, head.number)));
        dp.push_back(0);
        for (int64_t d = 0; d < head.size; ++d) {
          dp.back() += factor * dcontext(i, head.query(d)) * qkv(j, head.value(d));
          dqkv(j, head.value(d)) += factor * p.back() * dcontext(i, head.query(d));
        }
        mean_dp += p.back() * dp.back();
      }
      for (int64_t j = begin; j < end; ++j) {
        const auto at = static_cast<size_t>(j - begin);
        const double dscore = p[at] * (dp[at] - mean_dp) * head.scale();
        for (int64_t d = 0; d < head.size; ++d) {
          dqkv(i, head.query(d)) += dscore * qkv(j, head.key(d));
          dqkv(j, head.key(d)) += dscore * qkv(i, head.query(d));
        }
      }
    }
  });
  return dqkv;
}

}  // namespace reference

using reference::load;
using reference::sequences_of;
using reference::store;

void NaiveBackend::attention_forward(const AttentionForward& args) {
  const auto result =
      reference::attention(load(args.qkv), sequences_of(args.packing), args.heads, args.dropout);
  store(result.context, args.context);
  store(result.lse, args.lse);
}

void NaiveBackend::attention_backward(const AttentionBackward& args) {
  store(reference::attention_gradient(load(args.dcontext), load(args.qkv), load(args.lse),
                                      sequences_of(args.packing), args.heads, args.dropout),
        args.dqkv);
}

}  // namespace gradus
