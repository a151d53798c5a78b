#include "nn/heads/classifier.h"

#include <cmath>

namespace gradus {
namespace {

const ClassifierHeadConfig& checked(const ClassifierHeadConfig& head) {
  switch (head.problem) {
    case ProblemType::single_label:
      check(head.classes >= 2, "[classifier] number of classes {}: expected at least 2", head.classes);
      break;
    case ProblemType::multi_label:
      check(head.classes >= 1, "[classifier] number of labels {}: expected at least 1", head.classes);
      check(head.class_weights.empty(), "[classifier] class weights for labels: expected none");
      break;
    case ProblemType::regression:
      check(head.classes == 1, "[classifier] {} outputs for a score: expected 1", head.classes);
      check(head.class_weights.empty(), "[classifier] class weights for a score: expected none");
      break;
  }
  check(head.class_weights.empty() || head.class_weights.size() == static_cast<size_t>(head.classes),
        "[classifier] {} class weights for {} classes: expected one for each or none",
        head.class_weights.size(), head.classes);
  for (const float weight : head.class_weights)
    check(std::isfinite(weight) && weight >= 0, "[classifier] class weight {}: expected 0 or more", weight);
  return head;
}

}  // namespace

ClassifierModel::ClassifierModel(const Scope& scope, const BertConfig& bert, const ClassifierHeadConfig& head)
    : head_(checked(head)),
      bert_(scope / "bert", bert),
      pooler_(scope / "bert" / "pooler", bert),
      classifier_(scope / "classifier", bert.hidden_size, head.classes, Init::fan_in(bert.hidden_size)),
      class_weights_(
          scope.add_constant({head.classes}, std::vector<float>(static_cast<size_t>(head.classes), 1.0F))) {
  if (!head.class_weights.empty()) class_weights_.set(head.class_weights);
}

void ClassifierModel::set_class_weights(std::vector<float> weights) {
  ClassifierHeadConfig head = head_;
  head.class_weights = std::move(weights);
  head_ = checked(head);
  if (!head_.class_weights.empty()) class_weights_.set(head_.class_weights);
}

Variable ClassifierModel::logits(Context& context, const ClassifierBatch& batch) const {
  const Variable pooled = pooler_.forward(context, bert_.forward(context, batch.tokens, batch.first_rows));
  const Variable dropped = dropout(pooled, context.dropout(head_.dropout));
  return cast(classifier_(dropped), DType::float32);
}

Variable ClassifierModel::loss(Context& context, const ClassifierBatch& batch) const {
  const Variable scores = logits(context, batch);
  switch (head_.problem) {
    case ProblemType::multi_label:
      return sigmoid_cross_entropy(scores, batch.targets);
    case ProblemType::regression:
      return squared_error(scores, batch.targets);
    case ProblemType::single_label:
      break;
  }
  const Tensor weights = head_.class_weights.empty() ? Tensor() : (*class_weights_).value();
  return cross_entropy(scores, batch.labels, weights, context.smoothing());
}

}  // namespace gradus
