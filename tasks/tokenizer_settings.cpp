#include "tasks/tokenizer_settings.h"

namespace gradus {

void TokenizerSettings::declare(Options& options) {
  options.add("vocab_file", vocab_file, "word pieces, one a line");
  options.add("do_lower_case", do_lower_case, "auto: unless the vocabulary has capital letters")
      .choices({"auto", {"true", {"1"}}, {"false", {"0"}}});
  options.add("tokenizer", tokenizer, "rules as in the BERT reference code or Hugging Face's BertTokenizer")
      .choices({"google", "hf"});
}

Tokenizer TokenizerSettings::make(const Vocab& vocab) const {
  const bool lower = do_lower_case == "auto" ? !vocab.has_capitals() : do_lower_case == "true";
  return Tokenizer(vocab, tokenizer == "hf" ? TokenizerRules::hf : TokenizerRules::google, lower);
}

}  // namespace gradus
