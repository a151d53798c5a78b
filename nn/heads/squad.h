// The answer to a question as a span of the text: for each token the scores of being the answer's first and its last.
// Devlin et al. 2018, arXiv:1810.04805, section 4.2.
#pragma once

#include "nn/bert.h"

namespace gradus {

struct SquadBatch {
  TokenBatch tokens;
  // int32 [B, 2]: the answer's first and last token in its sequence; may be empty for prediction.
  Tensor positions;
};

class SquadModel {
 public:
  // Parameter names: bert.*, qa_outputs.*.
  SquadModel(const Scope& scope, const BertConfig& bert);

  // -log of the probabilities of the first and the last token, summed over the batch; over twice the number of sequences
  // it is the mean of both.
  Variable loss(Context& context, const SquadBatch& batch) const;
  // Scores of each token as the answer's first and as its last, float32 [T, 2].
  Variable logits(Context& context, const SquadBatch& batch) const;

 private:
  BertEncoder bert_;
  Linear qa_outputs_;
};

}  // namespace gradus
