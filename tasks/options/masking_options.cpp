#include "tasks/options/masking_options.h"

namespace gradus {

void MaskingOptions::declare_form(Options& options) {
  options.add("input_form", input_form, "auto: wikiextractor when the file begins with <doc")
      .choices({"auto", "sentences", "wikiextractor"});
}

void MaskingOptions::declare_masks(Options& options) {
  options.add("max_predictions_per_seq", max_predictions_per_seq, "masked tokens of an example, at most")
      .between(1, 1 << 20);
  options.add("masked_lm_prob", masked_lm_prob, "part of the tokens to mask")
      .alias("mlm_probability")
      .between(0, 1);
  options.add("short_seq_prob", short_seq_prob, "part of the documents cut into shorter examples")
      .between(0, 1);
  options.add("do_whole_word_mask", do_whole_word_mask, "mask all pieces of a word together");
  options.add("exclude_special_tokens", exclude_special_tokens,
              "put no token in square brackets at the place of a masked one");
}

PretrainingOptions MaskingOptions::examples(int64_t max_seq_length, int64_t dupe_factor) const {
  PretrainingOptions o;
  o.max_seq_length = static_cast<int32_t>(max_seq_length);
  o.max_predictions_per_seq = static_cast<int32_t>(max_predictions_per_seq);
  o.dupe_factor = static_cast<int32_t>(dupe_factor);
  o.masked_lm_prob = masked_lm_prob;
  o.short_seq_prob = short_seq_prob;
  o.whole_word_mask = do_whole_word_mask;
  o.exclude_special_tokens = exclude_special_tokens;
  return o;
}

}  // namespace gradus
