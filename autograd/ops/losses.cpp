#include "autograd/ops.h"
#include "autograd/ops/check.h"

namespace gradus {

Variable cross_entropy(const Variable& logits, const Tensor& labels, float normalizer,
                       const Tensor& class_weights) {
  check_rank("cross_entropy", "logits", logits.value(), 2);
  check_dtype("cross_entropy", "logits", logits.value(), DType::float32);
  check_shape("cross_entropy", "labels", labels, {logits.shape()[0]});
  check_dtype("cross_entropy", "labels", labels, DType::int32);
  if (class_weights) {
    check_shape("cross_entropy", "class weights", class_weights, {logits.shape()[1]});
    check_dtype("cross_entropy", "class weights", class_weights, DType::float32);
  }
  check(normalizer > 0, "[cross_entropy] normalizer {}: expected a positive number", normalizer);
  auto& be = logits.backend();
  Tensor loss = Tensor::empty(be, {1});
  Tensor lse = Tensor::empty(be, {logits.shape()[0]});
  be.cross_entropy_forward(logits.value(), labels, class_weights, normalizer, loss, lse);
  return record(
      "cross_entropy", loss, {logits},
      [&be, logits = logits.value(), labels, class_weights, normalizer, lse](const Tensor& dy, Grads& d) {
        be.cross_entropy_backward(dy, logits, labels, class_weights, normalizer, lse, d[0]);
      });
}

Variable squared_error(const Variable& predictions, const Tensor& targets, float normalizer) {
  const int64_t rows = predictions.shape().rows();
  check_shape("squared_error", "predictions", predictions.value(), {rows, 1});
  check_dtype("squared_error", "predictions", predictions.value(), DType::float32);
  check_rank("squared_error", "targets", targets, 1);
  check_dtype("squared_error", "targets", targets, DType::float32);
  check(targets.elements() <= rows,
        "[squared_error] {} targets: expected at most {}, one for each prediction", targets.elements(), rows);
  check(normalizer > 0, "[squared_error] normalizer {}: expected a positive number", normalizer);
  auto& be = predictions.backend();
  Tensor loss = Tensor::empty(be, {1});
  be.squared_error_forward(predictions.value(), targets, normalizer, loss);
  return record("squared_error", loss, {predictions},
                [&be, predictions = predictions.value(), targets, normalizer](const Tensor& dy, Grads& d) {
                  be.squared_error_backward(dy, predictions, targets, normalizer, d[0]);
                });
}

Variable span_cross_entropy(const Variable& logits, const Packing& packing, const Tensor& positions,
                            float normalizer) {
  const int64_t rows = logits.shape().rows();
  check_shape("span_cross_entropy", "logits", logits.value(), {rows, 2});
  check_dtype("span_cross_entropy", "logits", logits.value(), DType::float32);
  check_packing("span_cross_entropy", packing, rows);
  check_shape("span_cross_entropy", "positions", positions, {packing.count(), 2});
  check_dtype("span_cross_entropy", "positions", positions, DType::int32);
  check(normalizer > 0, "[span_cross_entropy] normalizer {}: expected a positive number", normalizer);
  auto& be = logits.backend();
  Tensor loss = Tensor::empty(be, {1});
  Tensor lse = Tensor::empty(be, {packing.count(), 2});
  be.span_cross_entropy_forward(logits.value(), packing, positions, normalizer, loss, lse);
  return record(
      "span_cross_entropy", loss, {logits},
      [&be, logits = logits.value(), packing, positions, normalizer, lse](const Tensor& dy, Grads& d) {
        be.span_cross_entropy_backward(dy, logits, packing, positions, normalizer, lse, d[0]);
      });
}

Variable crf_nll(const Variable& emissions, const Tensor& tags, const Packing& packing,
                 const Variable& transitions, const Variable& start, const Variable& end, float normalizer) {
  check_rank("crf_nll", "emissions", emissions.value(), 2);
  check_dtype("crf_nll", "emissions", emissions.value(), DType::float32);
  const int64_t tag_count = emissions.shape()[1];
  check_shape("crf_nll", "tags", tags, {emissions.shape()[0]});
  check_dtype("crf_nll", "tags", tags, DType::int32);
  check_shape("crf_nll", "transitions", transitions.value(), {tag_count, tag_count});
  check_shape("crf_nll", "start scores", start.value(), {tag_count});
  check_shape("crf_nll", "end scores", end.value(), {tag_count});
  check_packing("crf_nll", packing, emissions.shape()[0]);
  check(normalizer > 0, "[crf_nll] normalizer {}: expected a positive number", normalizer);
  auto& be = emissions.backend();
  Tensor loss = Tensor::empty(be, {1});
  Tensor alpha = Tensor::empty(be, emissions.shape());
  Tensor log_z = Tensor::empty(be, {packing.count()});
  be.crf_nll_forward(emissions.value(), tags, packing, transitions.value(), start.value(), end.value(),
                     normalizer, loss, alpha, log_z);
  return record(
      "crf_nll", loss, {emissions, transitions, start, end},
      [&be, emissions = emissions.value(), tags, packing, transitions = transitions.value(),
       start = start.value(), end = end.value(), normalizer, alpha, log_z](const Tensor& dy, Grads& d) {
        be.crf_nll_backward(dy, emissions, tags, packing, transitions, start, end, normalizer, alpha, log_z,
                            d[0], d[1], d[2], d[3]);
      });
}

}  // namespace gradus
