#include "autograd/ops.h"
#include "autograd/ops/check.h"

namespace gradus {

Variable cross_entropy(const Variable& logits, const Tensor& labels, const Tensor& class_weights,
                       float smoothing) {
  check_rank("cross_entropy", "logits", logits.value(), 2);
  check_shape("cross_entropy", "labels", labels, {logits.shape()[0]});
  check_dtype("cross_entropy", "labels", labels, DType::int32);
  if (class_weights) {
    check_shape("cross_entropy", "class weights", class_weights, {logits.shape()[1]});
    check_dtype("cross_entropy", "class weights", class_weights, DType::float32);
  }
  check(smoothing >= 0 && smoothing < 1, "[cross_entropy] smoothing {}: expected at least 0 and below 1",
        smoothing);
  auto& be = logits.backend();
  Tensor loss = Tensor::empty(be, {1});
  Tensor lse = Tensor::empty(be, {logits.shape()[0]});
  be.cross_entropy_forward({logits.value(), labels, class_weights, loss, lse, smoothing});
  return record(
      "cross_entropy", loss, {logits},
      [&be, logits = logits.value(), labels, class_weights, lse, smoothing](const Tensor& dy, Grads& d) {
        be.cross_entropy_backward({dy, logits, labels, class_weights, lse, d[0], smoothing});
      });
}

Variable squared_error(const Variable& predictions, const Tensor& targets) {
  const int64_t rows = predictions.shape().rows();
  check_shape("squared_error", "predictions", predictions.value(), {rows, 1});
  check_dtype("squared_error", "predictions", predictions.value(), DType::float32);
  check_rank("squared_error", "targets", targets, 1);
  check_dtype("squared_error", "targets", targets, DType::float32);
  check(targets.elements() <= rows,
        "[squared_error] {} targets: expected at most {}, one for each prediction", targets.elements(), rows);
  auto& be = predictions.backend();
  Tensor loss = Tensor::empty(be, {1});
  be.squared_error_forward({predictions.value(), targets, loss});
  return record("squared_error", loss, {predictions},
                [&be, predictions = predictions.value(), targets](const Tensor& dy, Grads& d) {
                  be.squared_error_backward({dy, predictions, targets, d[0]});
                });
}

Variable sigmoid_cross_entropy(const Variable& logits, const Tensor& targets) {
  check_rank("sigmoid_cross_entropy", "logits", logits.value(), 2);
  check_dtype("sigmoid_cross_entropy", "logits", logits.value(), DType::float32);
  check_rank("sigmoid_cross_entropy", "targets", targets, 2);
  check_dtype("sigmoid_cross_entropy", "targets", targets, DType::float32);
  check(targets.shape()[1] == logits.shape()[1] && targets.shape()[0] <= logits.shape()[0],
        "[sigmoid_cross_entropy] targets has shape {}: expected one for each logit, {}, or fewer rows",
        targets.shape(), logits.shape());
  auto& be = logits.backend();
  Tensor loss = Tensor::empty(be, {1});
  be.sigmoid_cross_entropy_forward({logits.value(), targets, loss});
  return record("sigmoid_cross_entropy", loss, {logits},
                [&be, logits = logits.value(), targets](const Tensor& dy, Grads& d) {
                  be.sigmoid_cross_entropy_backward({dy, logits, targets, d[0]});
                });
}

Variable span_cross_entropy(const Variable& logits, const Packing& packing, const Tensor& positions) {
  const int64_t rows = logits.shape().rows();
  check_shape("span_cross_entropy", "logits", logits.value(), {rows, 2});
  check_dtype("span_cross_entropy", "logits", logits.value(), DType::float32);
  check_packing("span_cross_entropy", packing, rows);
  check_shape("span_cross_entropy", "positions", positions, {packing.count(), 2});
  check_dtype("span_cross_entropy", "positions", positions, DType::int32);
  auto& be = logits.backend();
  Tensor loss = Tensor::empty(be, {1});
  Tensor lse = Tensor::empty(be, {packing.count(), 2});
  be.span_cross_entropy_forward({logits.value(), packing, positions, loss, lse});
  return record("span_cross_entropy", loss, {logits},
                [&be, logits = logits.value(), packing, positions, lse](const Tensor& dy, Grads& d) {
                  be.span_cross_entropy_backward({dy, logits, packing, positions, lse, d[0]});
                });
}

Variable crf_nll(const Variable& emissions, const Tensor& tags, const Packing& packing,
                 const Variable& transitions, const Variable& start, const Variable& end) {
  check_rank("crf_nll", "emissions", emissions.value(), 2);
  check_dtype("crf_nll", "emissions", emissions.value(), DType::float32);
  const int64_t tag_count = emissions.shape()[1];
  check_shape("crf_nll", "tags", tags, {emissions.shape()[0]});
  check_dtype("crf_nll", "tags", tags, DType::int32);
  check_shape("crf_nll", "transitions", transitions.value(), {tag_count, tag_count});
  check_shape("crf_nll", "start scores", start.value(), {tag_count});
  check_shape("crf_nll", "end scores", end.value(), {tag_count});
  check_packing("crf_nll", packing, emissions.shape()[0]);
  auto& be = emissions.backend();
  Tensor loss = Tensor::empty(be, {1});
  Tensor alpha = Tensor::empty(be, emissions.shape());
  Tensor log_z = Tensor::empty(be, {packing.count()});
  const CrfScores scores{transitions.value(), start.value(), end.value()};
  be.crf_nll_forward({emissions.value(), tags, packing, scores, loss, alpha, log_z});
  return record(
      "crf_nll", loss, {emissions, transitions, start, end},
      [&be, emissions = emissions.value(), tags, packing, scores, alpha, log_z](const Tensor& dy, Grads& d) {
        be.crf_nll_backward({.dloss = dy,
                             .emissions = emissions,
                             .tags = tags,
                             .packing = packing,
                             .scores = scores,
                             .alpha = alpha,
                             .log_z = log_z,
                             .demissions = d[0],
                             .dtransitions = d[1],
                             .dstart = d[2],
                             .dend = d[3]});
      });
}

Variable weighted_sum(const std::vector<Variable>& losses, const Tensor& factors) {
  check(!losses.empty(), "[weighted_sum] no losses");
  check_shape("weighted_sum", "the factors", factors, {std::ssize(losses)});
  check_dtype("weighted_sum", "the factors", factors, DType::float32);
  std::vector<Tensor> values;
  for (const Variable& loss : losses) {
    check_shape("weighted_sum", "a loss", loss.value(), {1});
    check_dtype("weighted_sum", "a loss", loss.value(), DType::float32);
    values.push_back(loss.value());
  }
  auto& be = factors.backend();
  Tensor y = Tensor::empty(be, {1});
  be.weighted_sum_forward({values, factors, y});
  return record("weighted_sum", y, losses, [&be, factors, count = losses.size()](const Tensor& dy, Grads& d) {
    std::vector<Grad> dlosses;
    for (size_t i = 0; i < count; ++i) dlosses.push_back(d[i]);
    be.weighted_sum_backward({dy, factors, dlosses});
  });
}

}  // namespace gradus
