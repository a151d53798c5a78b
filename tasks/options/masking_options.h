// How examples to pretrain on are made of text: options that the generator of records and run_pretrain share.
#pragma once

#include <string>

#include "data/pretraining_instances.h"
#include "tasks/options/options.h"

namespace gradus {

struct MaskingOptions {
  std::string input_form = "auto";
  int64_t max_predictions_per_seq = 20;
  double masked_lm_prob = 0.15, short_seq_prob = 0.1;
  bool do_whole_word_mask = false, exclude_special_tokens = false;

  void declare_form(Options& options);
  void declare_masks(Options& options);

  PretrainingForm form() const { return parse_pretraining_form(input_form); }
  // Examples of at most so many tokens, so many of the same text.
  PretrainingOptions examples(int64_t max_seq_length, int64_t dupe_factor) const;
};

}  // namespace gradus
