#include "nn/heads/pretraining.h"

namespace gradus {
namespace {

// The product with the vocabulary is the largest there is, and devices like its sizes round.
int64_t vocab_rows(const BertConfig& bert) { return (bert.vocab_size + 63) / 64 * 64; }

// The score of a row that is no word: the exponential of it is 0 beside any other, in float32 and in bfloat16.
constexpr float no_chance = -1e30F;

}  // namespace

PretrainingModel::PretrainingModel(const Scope& scope, const BertConfig& bert)
    : bert_(scope / "bert", bert, vocab_rows(bert)),
      pooler_(scope / "bert" / "pooler", bert),
      transform_(scope / "cls" / "predictions" / "transform" / "dense", bert.hidden_size, bert.hidden_size,
                 bert.initializer_range),
      transform_norm_(scope / "cls" / "predictions" / "transform" / "LayerNorm", bert.hidden_size,
                      bert.layer_norm_eps),
      decoder_(bert_.words(),
               (scope / "cls" / "predictions")
                   .add_padded("bias", {bert.vocab_size}, vocab_rows(bert), no_chance, Init::constant(0))),
      relation_(scope / "cls" / "seq_relationship", bert.hidden_size, 2, bert.initializer_range),
      activation_(bert.hidden_act) {}

PretrainingModel::Features PretrainingModel::features(Context& context, const PretrainingBatch& batch) const {
  const Variable hidden = bert_.forward(context, batch.tokens, batch.rows);
  const Variable masked = gather_rows(hidden, batch.masked);
  return {transform_norm_(transform_.activated(context, masked, activation_)),
          cast(relation_(pooler_.forward(context, gather_rows(hidden, batch.first))), DType::float32)};
}

PretrainingModel::Losses PretrainingModel::losses(Context& context, const PretrainingBatch& batch) const {
  const Features found = features(context, batch);
  return {decoder_.cross_entropy(found.words, batch.words),
          cross_entropy(found.random_next, batch.random_next)};
}

PretrainingModel::Logits PretrainingModel::logits(Context& context, const PretrainingBatch& batch) const {
  const Features found = features(context, batch);
  return {decoder_.scores(found.words), found.random_next};
}

}  // namespace gradus
