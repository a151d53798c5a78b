#include "nn/export/bert_graph.h"

#include <cmath>

#include "nn/bert.h"

namespace gradus {
namespace {

using Value = GraphBuilder::Value;

struct Inputs {
  Value ids, mask, token_types;
};

Inputs inputs_of(GraphBuilder& graph) {
  return {graph.integers("input_ids", "sequence"), graph.integers("attention_mask", "sequence"),
          graph.integers("token_type_ids", "sequence")};
}

Value embeddings(GraphBuilder& graph, const BertConfig& config, const Inputs& inputs) {
  const std::string from = "bert.embeddings.", to = "embeddings.";
  Value sum = graph.embedding(to + "words", from + "word_embeddings.weight", inputs.ids);
  // Token types last: runtimes have one kernel for a layer norm and a sum of two tensors of one shape before it.
  if (config.relative_positions == RelativePositions::none) {
    const Value positions =
        graph.first_rows(to + "positions", from + "position_embeddings.weight", inputs.ids);
    sum = graph.add(to + "words_and_positions", sum, positions);
  }
  const Value token_types =
      graph.embedding(to + "token_types", from + "token_type_embeddings.weight", inputs.token_types);
  sum = graph.add(to + "sum", sum, token_types);
  return graph.layer_norm("embeddings", from + "LayerNorm", sum, config.layer_norm_eps);
}

// What attention reads beside the vectors of the tokens, the same for all layers but trained tables of relative positions.
struct Surroundings {
  Value ids, mask;
  std::optional<Value> sinusoids;
};

// [B, S, H] -> [B, N, S, D], or another order of these axes.
Value heads(GraphBuilder& graph, const BertConfig& config, const Value& x,
            const std::vector<int64_t>& order) {
  const Value split = graph.reshape(x + ".split", x, {0, 0, config.num_attention_heads, config.head_size()});
  return graph.transpose(x + ".heads", split, order);
}

Value attention(GraphBuilder& graph, const BertConfig& config, const std::string& from, const std::string& to,
                const Value& x, const Surroundings& around) {
  const Value query = graph.linear(to + "query", from + "query", x);
  const Value key = graph.linear(to + "key", from + "key", x);
  const Value value = graph.linear(to + "value", from + "value", x);
  const Value queries = heads(graph, config, query, {0, 2, 1, 3});
  Value scores =
      graph.product(to + "products", queries, heads(graph, config, key, {0, 2, 3, 1}));  // [B, N, S, S]
  std::optional<Value> relative = around.sinusoids;
  if (config.relative_positions == RelativePositions::trained)
    relative = graph.relative_positions(to + "relative_positions", from + "relative_positions.weight", {},
                                        config.max_relative_position, around.ids);
  // A query meets vectors of its own for the keys' distances: products of [N, D] and [D, S] for each query of each text.
  if (relative) {
    const Value by_query = graph.transpose(to + "queries_first", queries, {2, 0, 1, 3});  // [S, B, N, D]
    const Value vectors = graph.unsqueeze(
        to + "distances.transposed_1", graph.transpose(to + "distances.transposed", *relative, {0, 2, 1}), 1);
    const Value products = graph.product(to + "distance_products", by_query, vectors);  // [S, B, N, S]
    scores = graph.add(to + "products_and_distances", scores,
                       graph.transpose(to + "distance_scores", products, {1, 2, 0, 3}));
  }
  scores = graph.divide(to + "scores", scores, std::sqrt(static_cast<double>(config.head_size())));
  const Value probabilities =
      graph.softmax(to + "probabilities", graph.add(to + "masked_scores", scores, around.mask));
  const Value mixed =
      graph.product(to + "mixed", probabilities, heads(graph, config, value, {0, 2, 1, 3}));  // [B, N, S, D]
  Value context = graph.transpose(to + "context.heads", mixed, {0, 2, 1, 3});                 // [B, S, N, D]
  if (relative) {
    const Value by_query = graph.transpose(to + "probabilities_first", probabilities, {2, 0, 1, 3});
    const Value vectors = graph.unsqueeze(to + "distances_1", *relative, 1);
    const Value distances = graph.product(to + "distances", by_query, vectors);  // [S, B, N, D]
    context = graph.add(to + "context.heads_and_distances", context,
                        graph.transpose(to + "context.distances", distances, {1, 0, 2, 3}));
  }
  return graph.reshape(to + "context", context, {0, 0, config.hidden_size});
}

Value layer(GraphBuilder& graph, const BertConfig& config, int64_t number, const Value& x,
            const Surroundings& around) {
  const std::string to = "layer." + std::to_string(number), from = "bert.encoder." + to + ".";
  const Value context = attention(graph, config, from + "attention.self.", to + ".attention.", x, around);
  const Value attended = graph.linear(to + ".attention.dense", from + "attention.output.dense", context);
  const Value a = graph.layer_norm(to + ".attention", from + "attention.output.LayerNorm",
                                   graph.add(to + ".attention.sum", attended, x), config.layer_norm_eps);
  const Value wide = graph.linear(to + ".wide", from + "intermediate.dense", a);
  const Value fed = graph.linear(to + ".dense", from + "output.dense",
                                 graph.activation(to + ".activated", wide, config.hidden_act));
  return graph.layer_norm(to, from + "output.LayerNorm", graph.add(to + ".sum", fed, a),
                          config.layer_norm_eps);
}

// [B, S, H].
Value encode(GraphBuilder& graph, const BertConfig& config) {
  const Inputs inputs = inputs_of(graph);
  Value x = embeddings(graph, config, inputs);
  Surroundings around{inputs.ids, graph.mask_scores("mask_scores", inputs.mask), std::nullopt};
  if (config.relative_positions == RelativePositions::sinusoid) {
    around.sinusoids = graph.relative_positions(
        "relative_positions", "", relative_sinusoids(config.max_relative_position, config.head_size()),
        config.max_relative_position, inputs.ids);
  }
  for (int64_t i = 0; i < config.num_hidden_layers; ++i) x = layer(graph, config, i, x, around);
  return x;
}

// [B, S, H] -> [B, H].
Value pool(GraphBuilder& graph, const Value& hidden) {
  const Value first = graph.at("first_token", hidden, 1, 0);
  return graph.activation("pooled", graph.linear("pooler", "bert.pooler.dense", first), Activation::tanh);
}

// A bidirectional LSTM by the weights lstm.*: [B, W, I] -> [B, W, 2 units]. Both directions read forward, so that a runtime need not know
// of lengths: OpenVINO's LSTM does not heed them where sizes are chosen when it runs, MindSpore's has none on processors.
Value bidirectional_lstm(GraphBuilder& graph, const Value& x, const Value& lengths, int64_t layers,
                         int64_t units) {
  Value y = graph.transpose(x + ".words_first", x, {1, 0, 2});
  for (int64_t i = 0; i < layers; ++i) {
    const std::string here = fmt::format("lstm.{}", i), suffix = fmt::format("_l{}", i);
    const Value forward = graph.lstm_direction(here + ".forward", "lstm", suffix, y, units);
    const Value backward = graph.lstm_direction(here + ".backward", "lstm", suffix + "_reverse",
                                                graph.reverse(here + ".reversed", y, lengths), units);
    y = graph.concat(here, forward, graph.reverse(here + ".backward.reversed", backward, lengths));
  }
  return graph.transpose("lstm", y, {1, 0, 2});
}

}  // namespace

void build_encoder(GraphBuilder& graph, const BertConfig& config, bool has_pooler) {
  const Value encoded = encode(graph, config);
  // The pooler computes in the type that the encoder does.
  std::optional<Value> pooled;
  if (has_pooler) pooled = pool(graph, encoded);
  graph.output("last_hidden_state", encoded, "sequence", config.hidden_size);
  if (pooled) graph.output("pooler_output", *pooled, "", config.hidden_size);
}

void build_classifier(GraphBuilder& graph, const BertConfig& config, int64_t outputs) {
  const Value pooled = pool(graph, encode(graph, config));
  graph.output("logits", graph.linear("classifier", "classifier", pooled), "", outputs);
}

void build_squad(GraphBuilder& graph, const BertConfig& config) {
  const Value scores = graph.linear("qa_outputs", "qa_outputs", encode(graph, config));
  graph.output("start_logits", graph.at("start_scores", scores, 2, 0), "sequence", 0);
  graph.output("end_logits", graph.at("end_scores", scores, 2, 1), "sequence", 0);
}

void build_pretraining(GraphBuilder& graph, const BertConfig& config) {
  const Value hidden = encode(graph, config);
  const std::string from = "cls.predictions.";
  const Value transformed = graph.activation(
      "predictions.activated", graph.linear("predictions.transform", from + "transform.dense", hidden),
      config.hidden_act);
  const Value words = graph.layer_norm("predictions.normalized", from + "transform.LayerNorm", transformed,
                                       config.layer_norm_eps);
  graph.output(
      "prediction_logits",
      graph.linear_by_table("predictions", "bert.embeddings.word_embeddings.weight", from + "bias", words),
      "sequence", config.vocab_size);
  graph.output("seq_relationship_logits",
               graph.linear("seq_relationship", "cls.seq_relationship", pool(graph, hidden)), "", 2);
}

TaggerValues build_tagger(GraphBuilder& graph, const BertConfig& config, const TaggerGraph& head) {
  Value x = encode(graph, config);
  TaggerValues built;
  std::string axis = "sequence";
  if (head.lstm_layers > 0 || head.by_words) {
    const Value positions = graph.integers("word_positions", "words");
    built.lengths = graph.count("word_counts", positions);
    x = graph.gather("words", x, positions);
    axis = "words";
  }
  // As in NerModel: an LSTM and what follows it compute in float32.
  if (head.lstm_layers > 0) {
    graph.compute_in(DType::float32);
    x = bidirectional_lstm(graph, graph.cast("words.float32", x, DType::float32), *built.lengths,
                           head.lstm_layers, config.hidden_size / 2);
  }
  built.scores = graph.output(head.output, graph.linear("classifier", "classifier", x), axis, head.tags);
  return built;
}

}  // namespace gradus
