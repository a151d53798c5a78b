#include "nn/heads/topic.h"

namespace gradus {
namespace {

int64_t checked(int64_t topics) {
  check(topics >= 2, "[topic] number of topics {}: expected at least 2", topics);
  return topics;
}

}  // namespace

TopicModel::TopicModel(const Scope& scope, const BertConfig& bert, int64_t topics)
    : bert_(scope / "bert", bert),
      topic_(scope / "topic", bert.hidden_size, checked(topics), Init::fan_in(bert.hidden_size)) {}

Variable TopicModel::logits(Context& context, const TopicBatch& batch) const {
  return cast(topic_(bert_.forward(context, batch.tokens, batch.first_rows)), DType::float32);
}

Variable TopicModel::loss(Context& context, const TopicBatch& batch) const {
  return cross_entropy(logits(context, batch), batch.topics, Tensor(), context.smoothing());
}

}  // namespace gradus
