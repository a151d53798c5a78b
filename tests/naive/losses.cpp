// Cross entropy and the predictions that go with it, squared error, and cross entropy over the tokens of sequences.
#include "tests/naive_backend.h"
#include "tests/reference.h"

namespace gradus {
namespace reference {

namespace {

double weight_of(const Matrix& class_weights, int32_t label) {
  return class_weights ? class_weights[label] : 1;
}

}  // namespace

CrossEntropy cross_entropy(const Matrix& logits, const std::vector<int32_t>& labels,
                           const Matrix& class_weights, double smoothing) {
  CrossEntropy result{0, Matrix(1, logits.rows())};
  for (int64_t r = 0; r < logits.rows(); ++r) {
    result.lse[r] = log_sum_exp(logits.columns(), [&](int64_t k) { return logits(r, k); });
    const int32_t label = labels[static_cast<size_t>(r)];
    if (label < 0) continue;
    const double classes = static_cast<double>(logits.columns());
    result.loss += (1 - smoothing) * weight_of(class_weights, label) * (result.lse[r] - logits(r, label));
    for (int32_t k = 0; k < logits.columns(); ++k)
      result.loss += smoothing / classes * weight_of(class_weights, k) * (result.lse[r] - logits(r, k));
  }
  return result;
}

double squared_error(const Matrix& predictions, const Matrix& targets) {
  double loss = 0;
  for (int64_t r = 0; r < targets.size(); ++r) {
    const double error = predictions[r] - targets[r];
    loss += error * error;
  }
  return loss;
}

double sigmoid_cross_entropy(const Matrix& logits, const Matrix& targets) {
  double loss = 0;
  for (int64_t r = 0; r < targets.rows(); ++r) {
    for (int64_t k = 0; k < targets.columns(); ++k) {
      const double x = logits(r, k);
      loss += std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))) - targets(r, k) * x;
    }
  }
  return loss;
}

CrossEntropy span_cross_entropy(const Matrix& logits, const Sequences& sequences,
                                const std::vector<int32_t>& positions) {
  const auto count = static_cast<int64_t>(sequences.size());
  CrossEntropy result{0, Matrix(count, 2)};
  for (int64_t b = 0; b < count; ++b) {
    const auto [begin, end] = sequences[static_cast<size_t>(b)];
    for (int64_t c = 0; c < 2; ++c) {
      const int32_t position = positions[static_cast<size_t>(2 * b + c)];
      result.lse(b, c) = log_sum_exp(end - begin, [&](int64_t t) { return logits(begin + t, c); });
      if (position >= 0) result.loss += (result.lse(b, c) - logits(begin + position, c));
    }
  }
  return result;
}

}  // namespace reference

using reference::load;
using reference::Matrix;
using reference::store;

void NaiveBackend::cross_entropy_forward(const CrossEntropyForward& args) {
  const auto result = reference::cross_entropy(load(args.logits), args.labels.to_host_int(),
                                               load(args.class_weights), static_cast<double>(args.smoothing));
  args.loss.copy_from_host(std::vector{static_cast<float>(result.loss)});
  store(result.lse, args.lse);
}

// dlogits = dloss times the sum over k of v[k] (softmax - one-hot k), and zero in rows without a label. v[k] is the part that the k-th
// logit has in the loss: w[k] smoothing / K, and for the label (1 - smoothing) w[label] more.
void NaiveBackend::cross_entropy_backward(const CrossEntropyBackward& args) {
  const Matrix scores = load(args.logits);
  const Matrix log_sums = load(args.lse);
  const std::vector<int32_t> wanted = args.labels.to_host_int();
  const Matrix weights = load(args.class_weights);
  const double scale = static_cast<double>(args.dloss.item());
  const double smoothing = static_cast<double>(args.smoothing);
  Matrix gradient(scores.rows(), scores.columns());
  for (int64_t r = 0; r < scores.rows(); ++r) {
    const int32_t label = wanted[static_cast<size_t>(r)];
    if (label < 0) continue;
    double total = 0;
    for (int32_t k = 0; k < scores.columns(); ++k) {
      double part = smoothing / static_cast<double>(scores.columns());
      if (k == label) part += 1 - smoothing;
      part *= reference::weight_of(weights, k);
      total += part;
      gradient(r, k) -= scale * part;
    }
    for (int64_t k = 0; k < scores.columns(); ++k)
      gradient(r, k) += scale * total * std::exp(scores(r, k) - log_sums[r]);
  }
  store(gradient, args.dlogits);
}

void NaiveBackend::squared_error_forward(const SquaredErrorForward& args) {
  const double result = reference::squared_error(load(args.predictions), load(args.targets));
  args.loss.copy_from_host(std::vector{static_cast<float>(result)});
}

void NaiveBackend::squared_error_backward(const SquaredErrorBackward& args) {
  const Matrix values = load(args.predictions);
  const Matrix wanted = load(args.targets);
  Matrix gradient(values.rows(), values.columns());
  for (int64_t r = 0; r < wanted.size(); ++r) gradient[r] = 2 * (values[r] - wanted[r]) * args.dloss.item();
  store(gradient, args.dpredictions);
}

void NaiveBackend::sigmoid_cross_entropy_forward(const SigmoidCrossEntropyForward& args) {
  const double result = reference::sigmoid_cross_entropy(load(args.logits), load(args.targets));
  args.loss.copy_from_host(std::vector{static_cast<float>(result)});
}

void NaiveBackend::sigmoid_cross_entropy_backward(const SigmoidCrossEntropyBackward& args) {
  const Matrix scores = load(args.logits);
  const Matrix wanted = load(args.targets);
  const double scale = static_cast<double>(args.dloss.item());
  Matrix gradient(scores.rows(), scores.columns());
  for (int64_t i = 0; i < wanted.size(); ++i)
    gradient[i] = scale * (1 / (1 + std::exp(-scores[i])) - wanted[i]);
  store(gradient, args.dlogits);
}

void NaiveBackend::span_cross_entropy_forward(const SpanCrossEntropyForward& args) {
  const auto result = reference::span_cross_entropy(load(args.logits), reference::sequences_of(args.packing),
                                                    args.positions.to_host_int());
  args.loss.copy_from_host(std::vector{static_cast<float>(result.loss)});
  store(result.lse, args.lse);
}

// Over the tokens of a sequence dlogits = (softmax - one-hot position) dloss, and zero elsewhere.
void NaiveBackend::span_cross_entropy_backward(const SpanCrossEntropyBackward& args) {
  const Matrix scores = load(args.logits);
  const Matrix log_sums = load(args.lse);
  const std::vector<int32_t> wanted = args.positions.to_host_int();
  const reference::Sequences sequences = reference::sequences_of(args.packing);
  const double factor = static_cast<double>(args.dloss.item());
  Matrix gradient(scores.rows(), scores.columns());
  for (int64_t i = 0; i < log_sums.size(); ++i) {
    const auto [begin, end] = sequences[static_cast<size_t>(i / 2)];
    const int32_t position = wanted[static_cast<size_t>(i)];
    if (position < 0) continue;
    for (int64_t t = begin; t < end; ++t)
      gradient(t, i % 2) = std::exp(scores(t, i % 2) - log_sums[i]) * factor;
    gradient(begin + position, i % 2) -= factor;
  }
  store(gradient, args.dlogits);
}

void NaiveBackend::weighted_sum_forward(const WeightedSumForward& args) {
  const Matrix factors = load(args.factors);
  Matrix sum(1, 1);
  for (size_t i = 0; i < args.losses.size(); ++i)
    sum[0] += load(args.losses[i])[0] * factors[static_cast<int64_t>(i)];
  store(sum, args.y);
}

void NaiveBackend::weighted_sum_backward(const WeightedSumBackward& args) {
  const Matrix factors = load(args.factors);
  for (size_t i = 0; i < args.dlosses.size(); ++i) {
    Matrix gradient(1, 1);
    gradient[0] = load(args.dy)[0] * factors[static_cast<int64_t>(i)];
    store(gradient, args.dlosses[i]);
  }
}

void NaiveBackend::argmax(const Argmax& args) {
  const Matrix scores = load(args.x);
  std::vector<int32_t> best;
  for (int64_t r = 0; r < scores.rows(); ++r) {
    int32_t winner = 0;
    for (int32_t k = 1; k < scores.columns(); ++k) {
      if (scores(r, k) > scores(r, winner)) winner = k;
    }
    best.push_back(winner);
  }
  copy_from_host(best.data(), args.y);
}

}  // namespace gradus
