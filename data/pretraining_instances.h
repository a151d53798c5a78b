// Examples to pretrain BERT on: pairs of text with words masked (masked language model) and the question whether the
// second follows the first (next sentence prediction). Devlin et al. 2018, arXiv:1810.04805, sections 3.1 and A.2;
// the order of every draw is that of google-research/bert's create_pretraining_data.py, so that the same seed gives
// the same examples.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/dataset.h"
#include "data/pretraining_text.h"
#include "data/python_random.h"
#include "data/vocab.h"

namespace gradus {

struct PretrainingOptions {
  int32_t max_seq_length = 128;          // of an example, with [CLS] and two [SEP]
  int32_t max_predictions_per_seq = 20;  // masked tokens, at most
  int32_t dupe_factor = 5;               // times each document is gone through, with other masks
  double masked_lm_prob = 0.15;          // part of the tokens that is masked
  double short_seq_prob = 0.1;           // part of the examples that is made shorter than fits
  bool whole_word_mask = false;          // mask all pieces of a word together
  bool exclude_special_tokens = false;   // a random token is never one in square brackets
};

struct PretrainingInstance {
  std::span<const int32_t> tokens;            // [CLS] a [SEP] b [SEP], masked
  int32_t first_length = 0;                   // tokens up to the first [SEP], it included: those of segment 0
  bool is_random_next = false;                // b comes from somewhere else
  std::span<const int32_t> masked_positions;  // ascending, in `tokens`
  std::span<const int32_t> masked_ids;        // the tokens that stood there
};

// The examples of some documents, in the order to be written.
class PretrainingInstances {
 public:
  // Draws from `random`. Throws Error when an option is out of its range.
  PretrainingInstances(const PretrainingDocuments& documents, const Vocab& vocab,
                       const PretrainingOptions& options, PythonRandom& random);

  int64_t size() const { return static_cast<int64_t>(entries_.size()); }
  PretrainingInstance operator[](int64_t i) const;
  int64_t token_count() const { return static_cast<int64_t>(tokens_.size()); }
  int64_t masked_count() const { return static_cast<int64_t>(masked_ids_.size()); }

  // Bytes of memory that a token of the text takes, documents and examples together: about.
  static int64_t bytes_per_token(const PretrainingOptions& options);

 private:
  friend class PretrainingMaker;
  struct Entry {
    int64_t tokens, masked;  // where they begin
    int32_t length, first_length, masked_length;
    bool is_random_next;
  };

  std::vector<int32_t> tokens_, masked_positions_, masked_ids_;
  std::vector<Entry> entries_;
};

// input_ids, input_mask, segment_ids [max_seq_length]; next_sentence_labels [1], 1 for a random b;
// masked_lm_positions, masked_lm_ids, masked_lm_weights [max_predictions_per_seq], the weights floats, 1 for a masked
// token and 0 for filling.
std::vector<DatasetColumn> pretraining_record_columns();

// Fills `row` with an example; its memory is used again.
void make_pretraining_record(const PretrainingInstance& instance, const PretrainingOptions& options,
                             DatasetRow& row);

}  // namespace gradus
