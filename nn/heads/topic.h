// One of K topics for each text: a linear map of the encoder's first token.
// As small as a head can be; nn/heads/classifier.h is what is trained for results.
#pragma once

#include "nn/bert.h"

namespace gradus {

// B texts, and R rows, one for the first token of each: R is B, or more where the backend fills batches up (padded_rows).
struct TopicBatch {
  TokenBatch tokens;
  Tensor first_rows;  // int32 [R], into the tokens; -1 where there is no text
  Tensor labels;      // int32 [R]; negative where nothing counts. Empty for prediction
};

class TopicModel {
 public:
  // Parameter names: bert.* and topic.*. Throws Error unless there are at least two topics.
  TopicModel(const Scope& scope, const BertConfig& bert, int64_t labels);

  // The cross-entropy, summed over the texts: the mean is one over B.
  Variable loss(Context& context, const TopicBatch& batch) const;
  // The score of each topic, float32 [R, K].
  Variable logits(Context& context, const TopicBatch& batch) const;

 private:
  BertEncoder bert_;
  Linear topic_;
};

}  // namespace gradus
