#include "nn/heads/topic.h"

namespace gradus {
namespace {

int64_t checked(int64_t labels) {
  check(labels >= 2, "[topic] number of topics {}: expected at least 2", labels);
  return labels;
}

}  // namespace

TopicModel::TopicModel(const Scope& scope, const BertConfig& bert, int64_t labels)
    : bert_(scope / "bert", bert),
      topic_(scope / "topic", bert.hidden_size, checked(labels), Init::fan_in(bert.hidden_size)) {}

Variable TopicModel::logits(Context& context, const TopicBatch& batch) const {
  return cast(topic_(bert_.forward(context, batch.tokens, batch.first_rows)), DType::float32);
}

Variable TopicModel::loss(Context& context, const TopicBatch& batch) const {
  return cross_entropy(logits(context, batch), batch.labels, Tensor(), context.smoothing());
}

}  // namespace gradus
