#include "nn/bert.h"

namespace gradus {

LayerNorm::LayerNorm(const Scope& scope, int64_t size, float eps)
    : weight(scope.add("weight", {size}, Init::constant(1))),
      bias(scope.add("bias", {size}, Init::constant(0))),
      eps(eps) {}

Linear::Linear(const Scope& scope, int64_t in, int64_t out, float deviation)
    : weight(scope.add("weight", {out, in}, Init::truncated_normal(deviation))),
      bias(scope.add("bias", {out}, Init::constant(0))) {}

Linear::Linear(const Scope& scope, int64_t in, int64_t out, Init init)
    : weight(scope.add("weight", {out, in}, init)), bias(scope.add("bias", {out}, init)) {}

BertEmbeddings::BertEmbeddings(const Scope& scope, const BertConfig& config)
    : norm_(scope / "LayerNorm", config.hidden_size, config.layer_norm_eps),
      dropout_(config.hidden_dropout_prob) {
  const auto table = [&](std::string_view name, int64_t rows) {
    return (scope / name)
        .add("weight", {rows, config.hidden_size}, Init::truncated_normal(config.initializer_range));
  };
  words_ = table("word_embeddings", config.vocab_size);
  positions_ = table("position_embeddings", config.max_position_embeddings);
  token_types_ = table("token_type_embeddings", config.type_vocab_size);
}

Variable BertEmbeddings::forward(Context& context, const TokenBatch& batch) const {
  const Variable sum = embedding(
      {{words_, batch.input_ids}, {token_types_, batch.token_type_ids}, {positions_, batch.position_ids}},
      context.compute_type);
  return dropout(layer_norm(sum, norm_.weight, norm_.bias, norm_.eps), context.dropout(dropout_));
}

BertLayer::BertLayer(const Scope& scope, const BertConfig& config)
    : attention_output_(scope / "attention" / "output" / "dense", config.hidden_size, config.hidden_size,
                        config.initializer_range),
      attention_norm_(scope / "attention" / "output" / "LayerNorm", config.hidden_size,
                      config.layer_norm_eps),
      intermediate_(scope / "intermediate" / "dense", config.hidden_size, config.intermediate_size,
                    config.initializer_range),
      output_(scope / "output" / "dense", config.intermediate_size, config.hidden_size,
              config.initializer_range),
      output_norm_(scope / "output" / "LayerNorm", config.hidden_size, config.layer_norm_eps),
      heads_(config.num_attention_heads),
      activation_(config.hidden_act),
      hidden_dropout_(config.hidden_dropout_prob),
      attention_dropout_(config.attention_probs_dropout_prob) {
  const Scope self = scope / "attention" / "self";
  qkv_weight_ = self.add_stacked({"query.weight", "key.weight", "value.weight"},
                                 {config.hidden_size, config.hidden_size},
                                 Init::truncated_normal(config.initializer_range));
  qkv_bias_ =
      self.add_stacked({"query.bias", "key.bias", "value.bias"}, {config.hidden_size}, Init::constant(0));
}

Variable BertLayer::forward(Context& context, const Variable& x, const Packing& packing,
                            const Tensor& rows) const {
  const Dropout attention_mask = context.dropout(attention_dropout_);
  const Dropout projected_mask = context.dropout(hidden_dropout_);
  const Dropout fed_mask = context.dropout(hidden_dropout_);
  // A function of x, which comes out the same whenever it is run.
  const auto layer = [=, this, training = context.training](const Variable& x) {
    const auto wanted = [&](const Variable& all) { return rows ? gather_rows(all, rows) : all; };
    const Variable qkv = linear(x, qkv_weight_, qkv_bias_);
    const Variable heads = wanted(attention(qkv, packing, heads_, attention_mask));
    const Variable projected = linear(heads, attention_output_.weight, attention_output_.bias);
    const Variable a = dropout_add_layer_norm(projected, wanted(x), projected_mask, attention_norm_.weight,
                                              attention_norm_.bias, attention_norm_.eps);
    // Trained, the wide layer keeps its sum before the activation alone; evaluated, the activation is part of the
    // first product and nothing is kept.
    const Variable fed =
        training ? activation_linear(linear(a, intermediate_.weight, intermediate_.bias), activation_,
                                     output_.weight, output_.bias)
                 : linear(linear_activation(a, intermediate_.weight, intermediate_.bias, activation_),
                          output_.weight, output_.bias);
    return dropout_add_layer_norm(fed, a, fed_mask, output_norm_.weight, output_norm_.bias, output_norm_.eps);
  };
  return context.recompute ? recompute(layer, x) : layer(x);
}

BertEncoder::BertEncoder(const Scope& scope, const BertConfig& config)
    : embeddings_(scope / "embeddings", config) {
  for (int64_t i = 0; i < config.num_hidden_layers; ++i)
    layers_.emplace_back(scope / "encoder" / "layer" / i, config);
}

Variable BertEncoder::forward(Context& context, const TokenBatch& batch, const Tensor& rows) const {
  Variable x = embeddings_.forward(context, batch);
  for (const BertLayer& layer : layers_)
    x = layer.forward(context, x, batch.packing, &layer == &layers_.back() ? rows : Tensor());
  return x;
}

BertPooler::BertPooler(const Scope& scope, const BertConfig& config)
    : dense_(scope / "dense", config.hidden_size, config.hidden_size, config.initializer_range) {}

Variable BertPooler::forward(const Context& context, const Variable& first) const {
  return context.training ? activation(linear(first, dense_.weight, dense_.bias), Activation::tanh)
                          : linear_activation(first, dense_.weight, dense_.bias, Activation::tanh);
}

}  // namespace gradus
