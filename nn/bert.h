// The BERT encoder. Devlin et al. 2019, arXiv:1810.04805; names as in the published checkpoints.
#pragma once

#include <optional>
#include <vector>

#include "nn/batch.h"
#include "nn/bert_config.h"
#include "nn/layers.h"

namespace gradus {

// Sum of word, segment and position vectors, layer norm, dropout. With relative positions words have no others.
class BertEmbeddings {
 public:
  BertEmbeddings(const Scope& scope, const BertConfig& config, int64_t vocab_rows);
  Variable forward(Context& context, const TokenBatch& batch) const;  // [T, H]
  const Parameter& words() const { return words_.weight; }

 private:
  Embedding words_;
  std::optional<Embedding> positions_;
  Embedding token_types_;
  LayerNorm norm_;
  float dropout_;
};

// One encoder layer, post-norm: self-attention and feed-forward, each followed by dropout, residual, layer norm.
class BertLayer {
 public:
  // `sinusoids`: the model's table of relative positions, for a configuration with sinusoids.
  BertLayer(const Scope& scope, const BertConfig& config, const Parameter& sinusoids);
  // [T, H] -> [T, H], or -> [R, H] with `rows`: what follows the attention is then computed for these rows alone.
  Variable forward(Context& context, const Variable& x, const Packing& packing,
                   const Tensor& rows = {}) const;

 private:
  Linear qkv_;          // query, key and value side by side: [3 H, H], [3 H]
  Parameter relative_;  // table of relative positions, float32 [2 K + 1, D]; empty without them
  Linear attention_output_;
  LayerNorm attention_norm_;
  Linear intermediate_;
  Linear output_;
  LayerNorm output_norm_;
  int64_t heads_;
  Activation activation_;
  float hidden_dropout_, attention_dropout_;
};

// NEZHA's fixed table of relative positions, [2 K + 1, D]: row p has sin(p w_i) in column 2 i and cos(p w_i) in column
// 2 i + 1, where w_i = 10000^(-2 i / D) (Wei et al. 2019, arXiv:1909.00204, section 3.1). Rows are counted from 0, as
// transformers does: its models have learned with that.
std::vector<float> relative_sinusoids(int64_t max_relative_position, int64_t head_size);

class BertEncoder {
 public:
  // The table of words gets `vocab_rows` rows where that is more than the vocabulary has.
  BertEncoder(const Scope& scope, const BertConfig& config, int64_t vocab_rows = 0);
  // The last layer's output, [T, H] in the context's compute type. With `rows`, int32 [R] as gather_rows takes them,
  // only these rows of it, [R, H]: a classifier that looks at one token of each sequence saves most of the last
  // layer. Rows of a negative number have values that mean nothing.
  Variable forward(Context& context, const TokenBatch& batch, const Tensor& rows = {}) const;
  // The table of words, [vocabulary, H] with its padding.
  const Parameter& words() const { return embeddings_.words(); }

 private:
  BertEmbeddings embeddings_;
  std::vector<BertLayer> layers_;
};

// tanh of a linear map, over the vectors of the sequences' first tokens: [R, H] -> [R, H].
class BertPooler {
 public:
  BertPooler(const Scope& scope, const BertConfig& config);
  Variable forward(const Context& context, const Variable& first) const;

 private:
  Linear dense_;
};

}  // namespace gradus
