// Named entity recognition: BERT, then a linear map, BiLSTM and CRF as chosen, over the first piece of each word.
#pragma once

#include <optional>

#include "nn/bert.h"
#include "nn/crf.h"
#include "nn/lstm.h"

namespace gradus {

// Tokens, and which of them are tagged: R rows, those of sequence b from word_packing.offsets[b] on. Rows past the
// last sequence have row number -1 and label -100; they fill up to padded_rows.
struct NerBatch {
  TokenBatch tokens;
  Tensor rows;  // int32 [R], into the tokens
  Packing word_packing;
  Tensor labels;  // int32 [R], negative where nothing counts; may be empty for prediction
};

struct NerHeadConfig {
  int64_t tags = 0;
  bool use_crf = false;
  std::optional<TransitionRules> crf_constraints = std::nullopt;
  int64_t lstm_layers = 0;  // 0: no LSTM
  float dropout = 0.1F;     // on the encoder's output
};

class NerModel {
 public:
  // Parameter names: bert.*, classifier.*, lstm.*, crf.*.
  NerModel(const Scope& scope, const BertConfig& bert, const NerHeadConfig& head);

  // Throws Error without a CRF.
  void constrain(const TransitionRules& rules);

  // The loss of cross-entropy, or of the CRF, summed over the batch; the mean is one over the labelled words.
  Variable loss(Context& context, const NerBatch& batch) const;
  // Scores of each tag, float32 [R, K].
  Variable emissions(Context& context, const NerBatch& batch) const;
  // The tag of each row that these speak for, int32 [R].
  Tensor decode(const Tensor& emissions, const NerBatch& batch) const;
  // Throws Error when the model could only decode nonsense. To be called before a prediction; waits for the device.
  void check_decoding() const;

 private:
  BertEncoder bert_;
  std::optional<BiLstm> lstm_;
  Linear classifier_;
  std::optional<Crf> crf_;
  float dropout_;
};

}  // namespace gradus
