// BERT as it is pretrained: words that were masked are predicted, and whether a text follows another.
// Devlin et al. 2018, arXiv:1810.04805, section 3.1.
#pragma once

#include "nn/bert.h"

namespace gradus {

// B sequences with M masked words in all.
struct PretrainingBatch {
  TokenBatch tokens;
  // int32 [R], as BertEncoder takes them: the rows that the heads look at, each once.
  Tensor rows;
  // int32 [>= B] and [>= M], among those: the sequences' first tokens and the masked words; negative for filling.
  Tensor first, masked;
  // int32, as long as these, negative for filling: 1 where the second text is a random one, and what the words were.
  Tensor random_next, words;
};

class PretrainingModel {
 public:
  // Parameter names: bert.*, cls.predictions.*, cls.seq_relationship.*.
  PretrainingModel(const Scope& scope, const BertConfig& bert);

  // -log of the probabilities of the masked words, and of the relations of the texts, each summed: over M and over B they
  // are means.
  struct Losses {
    Variable words, random_next;
  };
  Losses losses(Context& context, const PretrainingBatch& batch) const;

  // For evaluation: scores of all words of the vocabulary for each masked one, float32 [>= M, V], the vocabulary filled up
  // with words of no chance; and of both relations, float32 [>= B, 2].
  struct Logits {
    Variable words, random_next;
  };
  Logits logits(Context& context, const PretrainingBatch& batch) const;

 private:
  struct Features {
    Variable words;  // [>= M, H]
    Variable random_next;
  };
  Features features(Context& context, const PretrainingBatch& batch) const;

  BertEncoder bert_;
  BertPooler pooler_;
  Linear transform_;
  LayerNorm transform_norm_;
  Linear decoder_;  // by the encoder's table of words
  Linear relation_;
  Activation activation_;
};

}  // namespace gradus
