// BERT and its heads as graphs for other programs: what nn/bert.h and nn/heads/ compute from packed tokens, from padded ones.
#pragma once

#include <optional>

#include "nn/bert_config.h"
#include "nn/export/graph_builder.h"

namespace gradus {

// Inputs are input_ids, attention_mask and token_type_ids, [batch, sequence], as transformers has them; what stands where the
// mask is 0 changes nothing but outputs there. Outputs are named as transformers names them.

// last_hidden_state [batch, sequence, H]; with the pooler, pooler_output [batch, H].
void build_encoder(GraphBuilder& graph, const BertConfig& config, bool has_pooler);
// logits [batch, `outputs`]: of classes, or one score.
void build_classifier(GraphBuilder& graph, const BertConfig& config, int64_t outputs);
// start_logits and end_logits [batch, sequence].
void build_squad(GraphBuilder& graph, const BertConfig& config);
// prediction_logits [batch, sequence, vocabulary], seq_relationship_logits [batch, 2].
void build_pretraining(GraphBuilder& graph, const BertConfig& config);

// Scores of `tags` tags for each token, [batch, sequence, tags], named `output`. With an LSTM, which reads words and not the
// pieces between, there is an input more: word_positions [batch, words], the tokens to tag in each text and then -1; scores are
// [batch, words, tags] then. `by_words` asks for these without an LSTM, too.
struct TaggerGraph {
  int64_t tags = 0;
  int64_t lstm_layers = 0;
  bool by_words = false;
  const char* output = "logits";
};
// What was built: the scores, and how many words a text has, where they are words'.
struct TaggerValues {
  GraphBuilder::Value scores;
  std::optional<GraphBuilder::Value> lengths = std::nullopt;
};
TaggerValues build_tagger(GraphBuilder& graph, const BertConfig& config, const TaggerGraph& head);

}  // namespace gradus
