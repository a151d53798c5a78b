#include "nn/heads/ner.h"

namespace gradus {

NerModel::NerModel(const Scope& scope, const BertConfig& bert, const NerHeadConfig& head)
    : bert_(scope / "bert", bert),
      classifier_(scope / "classifier", bert.hidden_size, head.tags, Init::fan_in(bert.hidden_size)),
      dropout_(head.dropout) {
  if (head.lstm_layers > 0) {
    check(bert.hidden_size % 2 == 0, "[ner] hidden_size {} cannot be split over two LSTM directions",
          bert.hidden_size);
    lstm_.emplace(scope / "lstm", bert.hidden_size, bert.hidden_size / 2, head.lstm_layers, head.dropout);
  }
  if (head.use_crf) crf_.emplace(scope / "crf", head.tags);
  if (head.crf_constraints) constrain(*head.crf_constraints);
}

void NerModel::constrain(const TransitionRules& rules) {
  check(crf_.has_value(), "[ner] constraints without a CRF");
  crf_->constrain(rules);
}

Variable NerModel::emissions(Context& context, const NerBatch& batch) const {
  const Variable words = gather_rows(bert_.forward(context, batch.tokens), batch.rows);
  const Variable dropped = dropout(words, context.dropout(dropout_));
  // The LSTM and the CRF sum over many steps: they stay in float32 whatever the encoder computes in.
  if (!lstm_) return cast(classifier_(dropped), DType::float32);
  const Variable states = lstm_->forward(context, cast(dropped, DType::float32), batch.word_packing);
  return classifier_(states);
}

Variable NerModel::loss(Context& context, const NerBatch& batch) const {
  const Variable scores = emissions(context, batch);
  if (crf_) return crf_->loss(scores, batch.labels, batch.word_packing);
  return cross_entropy(scores, batch.labels, {}, context.smoothing());
}

Tensor NerModel::decode(const Tensor& emissions, const NerBatch& batch) const {
  if (crf_) return crf_->decode(emissions, batch.word_packing);
  Tensor tags = Tensor::empty(emissions.backend(), {emissions.shape()[0]}, DType::int32);
  emissions.backend().argmax({emissions, tags});
  return tags;
}

void NerModel::check_decoding() const {
  if (crf_) crf_->check_finite();
}

}  // namespace gradus
