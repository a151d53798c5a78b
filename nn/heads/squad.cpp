#include "nn/heads/squad.h"

namespace gradus {

SquadModel::SquadModel(const Scope& scope, const BertConfig& bert)
    : bert_(scope / "bert", bert),
      qa_outputs_(scope / "qa_outputs", bert.hidden_size, 2, Init::fan_in(bert.hidden_size)) {}

Variable SquadModel::logits(Context& context, const SquadBatch& batch) const {
  const Variable hidden = bert_.forward(context, batch.tokens);
  return cast(qa_outputs_(hidden), DType::float32);
}

Variable SquadModel::loss(Context& context, const SquadBatch& batch) const {
  return span_cross_entropy(logits(context, batch), batch.tokens.packing, batch.positions);
}

}  // namespace gradus
