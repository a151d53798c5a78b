#include "nn/bert.h"

#include <cmath>

namespace gradus {
namespace {

std::optional<Embedding> position_table(const Scope& scope, const BertConfig& config) {
  if (config.relative_positions != RelativePositions::none) return std::nullopt;
  return Embedding(scope, config.max_position_embeddings, config.hidden_size, config.initializer_range);
}

// What a layer adds to keys and values: a table of its own, the model's sinusoids, or nothing.
Parameter relative_table(const Scope& scope, const BertConfig& config, const Parameter& sinusoids) {
  if (config.relative_positions != RelativePositions::trained) return sinusoids;
  return scope.add("weight", {2 * config.max_relative_position + 1, config.head_size()},
                   Init::truncated_normal(config.initializer_range));
}

Parameter model_sinusoids(const Scope& scope, const BertConfig& config) {
  if (config.relative_positions != RelativePositions::sinusoid) return {};
  return scope.add_constant({2 * config.max_relative_position + 1, config.head_size()},
                            relative_sinusoids(config.max_relative_position, config.head_size()));
}

}  // namespace

BertEmbeddings::BertEmbeddings(const Scope& scope, const BertConfig& config, int64_t vocab_rows)
    : words_(scope / "word_embeddings", config.vocab_size, config.hidden_size, config.initializer_range,
             vocab_rows),
      positions_(position_table(scope / "position_embeddings", config)),
      token_types_(scope / "token_type_embeddings", config.type_vocab_size, config.hidden_size,
                   config.initializer_range),
      norm_(scope / "LayerNorm", config.hidden_size, config.layer_norm_eps),
      dropout_(config.hidden_dropout_prob) {}

Variable BertEmbeddings::forward(Context& context, const TokenBatch& batch) const {
  // Positions last: the order of a sum is in its bits.
  std::vector<EmbeddingTable> tables{{words_.weight, batch.input_ids},
                                     {token_types_.weight, batch.token_type_ids}};
  if (positions_) tables.push_back({positions_->weight, batch.position_ids});
  return dropout(norm_(embedding(tables, context.compute_type)), context.dropout(dropout_));
}

BertLayer::BertLayer(const Scope& scope, const BertConfig& config, const Parameter& sinusoids)
    : qkv_(scope / "attention" / "self", {"query", "key", "value"}, config.hidden_size, config.hidden_size,
           config.initializer_range),
      relative_(relative_table(scope / "attention" / "self" / "relative_positions", config, sinusoids)),
      attention_output_(scope / "attention" / "output" / "dense", config.hidden_size, config.hidden_size,
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
      attention_dropout_(config.attention_probs_dropout_prob) {}

Variable BertLayer::forward(Context& context, const Variable& x, const Packing& packing,
                            const Tensor& rows) const {
  const Dropout attention_mask = context.dropout(attention_dropout_);
  const Dropout projected_mask = context.dropout(hidden_dropout_);
  const Dropout fed_mask = context.dropout(hidden_dropout_);
  // A function of x, which comes out the same whenever it is run.
  const auto layer = [=, this](const Variable& x) {
    const auto wanted = [&](const Variable& all) { return rows ? gather_rows(all, rows) : all; };
    const Variable heads = wanted(attention(qkv_(x), packing, heads_, attention_mask, relative_));
    const Variable a = attention_norm_(attention_output_(heads), wanted(x), projected_mask);
    // Trained, the wide layer keeps its sum before the activation alone; evaluated, the activation is part of the
    // first product and nothing is kept.
    const Variable fed = context.training ? output_.of_activated(intermediate_(a), activation_)
                                          : output_(intermediate_.activated(context, a, activation_));
    return output_norm_(fed, a, fed_mask);
  };
  return context.recompute ? recompute(layer, x) : layer(x);
}

std::vector<float> relative_sinusoids(int64_t max_relative_position, int64_t head_size) {
  const int64_t rows = 2 * max_relative_position + 1;
  std::vector<float> table(static_cast<size_t>(rows * head_size));
  const auto exponent = static_cast<float>(-std::log(10000.0) / static_cast<double>(head_size));
  for (int64_t d = 0; d < head_size; ++d) {
    // In float32, as the published models have been trained: rounded angles of large rows show.
    const float frequency = std::exp(static_cast<float>(d / 2 * 2) * exponent);
    for (int64_t row = 0; row < rows; ++row) {
      const float angle = static_cast<float>(row) * frequency;
      table[static_cast<size_t>(row * head_size + d)] = d % 2 == 0 ? std::sin(angle) : std::cos(angle);
    }
  }
  return table;
}

BertEncoder::BertEncoder(const Scope& scope, const BertConfig& config, int64_t vocab_rows)
    : embeddings_(scope / "embeddings", config, vocab_rows) {
  const Parameter sinusoids = model_sinusoids(scope, config);
  for (int64_t i = 0; i < config.num_hidden_layers; ++i)
    layers_.emplace_back(scope / "encoder" / "layer" / i, config, sinusoids);
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
  return dense_.activated(context, first, Activation::tanh);
}

}  // namespace gradus
