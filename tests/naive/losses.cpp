// Cross entropy, and the predictions that go with it.
#include "tests/naive_backend.h"
#include "tests/reference.h"

namespace gradus {
namespace reference {

CrossEntropy cross_entropy(const Matrix& logits, const std::vector<int32_t>& labels, double normalizer) {
  CrossEntropy result{0, Matrix(1, logits.rows())};
  for (int64_t r = 0; r < logits.rows(); ++r) {
    result.lse[r] = log_sum_exp(logits.columns(), [&](int64_t k) { return logits(r, k); });
    const int32_t label = labels[static_cast<size_t>(r)];
    if (label >= 0) result.loss += (result.lse[r] - logits(r, label)) / normalizer;
  }
  return result;
}

}  // namespace reference

using reference::load;
using reference::Matrix;
using reference::store;

void NaiveBackend::cross_entropy_forward(const Tensor& logits, const Tensor& labels, float normalizer,
                                         const Tensor& loss, const Tensor& lse) {
  const auto result = reference::cross_entropy(load(logits), labels.to_host_int(), normalizer);
  loss.copy_from_host(std::vector{static_cast<float>(result.loss)});
  store(result.lse, lse);
}

// dlogits = (softmax - one-hot label) dloss / normalizer, and zero in rows without a label.
void NaiveBackend::cross_entropy_backward(const Tensor& dloss, const Tensor& logits, const Tensor& labels,
                                          float normalizer, const Tensor& lse, Grad dlogits) {
  const Matrix scores = load(logits);
  const Matrix log_sums = load(lse);
  const std::vector<int32_t> wanted = labels.to_host_int();
  const double factor = static_cast<double>(dloss.item()) / normalizer;
  Matrix gradient(scores.rows(), scores.columns());
  for (int64_t r = 0; r < scores.rows(); ++r) {
    const int32_t label = wanted[static_cast<size_t>(r)];
    if (label < 0) continue;
    for (int64_t k = 0; k < scores.columns(); ++k)
      gradient(r, k) = std::exp(scores(r, k) - log_sums[r]) * factor;
    gradient(r, label) -= factor;
  }
  store(gradient, dlogits);
}

void NaiveBackend::argmax(const Tensor& x, const Tensor& y) {
  const Matrix scores = load(x);
  std::vector<int32_t> best;
  for (int64_t r = 0; r < scores.rows(); ++r) {
    int32_t winner = 0;
    for (int32_t k = 1; k < scores.columns(); ++k) {
      if (scores(r, k) > scores(r, winner)) winner = k;
    }
    best.push_back(winner);
  }
  copy_from_host(best.data(), y);
}

}  // namespace gradus
