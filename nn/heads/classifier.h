// A class, labels or a score for each sequence: BERT's pooler over its first token, then a linear map. Devlin et al. 2018,
// arXiv:1810.04805, section 4.1.
#pragma once

#include <vector>

#include "core/problem_type.h"
#include "nn/bert.h"

namespace gradus {

// B sequences and R rows, one for the first token of each; R may be more, so that the code generated for one number of
// rows serves many batches (padded_rows). Rows past the last sequence have row number -1 and label -100.
struct ClassifierBatch {
  TokenBatch tokens;
  Tensor first_rows;  // int32 [R], into the tokens
  Tensor labels;      // of single_label: int32 [R], negative where nothing counts
  Tensor
      targets;  // of multi_label: float32 [B, K], 1 where a label holds, else 0; of regression: [B], the scores
                // Both may be empty for prediction.
};

struct ClassifierHeadConfig {
  int64_t classes = 2;  // K; 1 for regression
  ProblemType problem = ProblemType::single_label;
  float dropout = 0.1F;              // on the pooled vector
  std::vector<float> class_weights;  // of the loss of single_label, K of them; empty for 1 each
};

class ClassifierModel {
 public:
  // Parameter names: bert.*, with bert.pooler.*, and classifier.*. Throws Error on a number of classes or weights
  // that doesn't fit, and on a weight that is negative or not finite.
  ClassifierModel(const Scope& scope, const BertConfig& bert, const ClassifierHeadConfig& head);

  // Throws Error as the constructor does.
  void set_class_weights(std::vector<float> weights);

  // Summed over the batch: weighted cross-entropy of classes, whose mean is one over the sum of the weights of the labels,
  // without weights over the sequences; binary cross-entropy of labels, whose mean is one over all B K numbers; the squared
  // error of scores, whose mean is one over the sequences.
  Variable loss(Context& context, const ClassifierBatch& batch) const;
  // The score of each class or label, or the one score, float32 [R, K].
  Variable logits(Context& context, const ClassifierBatch& batch) const;

 private:
  ClassifierHeadConfig head_;
  BertEncoder bert_;
  BertPooler pooler_;
  Linear classifier_;
  Constant class_weights_;  // of the loss, where there are any
};

}  // namespace gradus
