#include "tasks/options/tokenizer_settings.h"

#include "tasks/log/log.h"

#include <fmt/core.h>

namespace gradus {

void TokenizerSettings::declare(Options& options) {
  options
      .add("vocab_file", vocab_file,
           "word pieces, one a line; or tokenizer.json, or a model's folder. Settings beside it count")
      .path();
  options
      .add("do_lower_case", do_lower_case,
           "auto: as the files beside the vocabulary say, or unless it has capital letters")
      .choices({"auto", {"true", {"1"}}, {"false", {"0"}}});
  options.add("tokenizer", tokenizer, "rules as in the BERT reference code or Hugging Face's BertTokenizer")
      .choices({"google", "hf"});
}

StoredTokenizer TokenizerSettings::load(std::FILE* log) const {
  StoredTokenizer stored = read_tokenizer(vocab_file);
  choose_lower_case(stored, do_lower_case);
  if (stored.has_settings) print_log(log, "tokenizer of {}: {}\n", stored.path, stored.config.str());
  for (const std::string& note : stored.notes) print_log(log, "note: {}\n", note);
  return stored;
}

Tokenizer TokenizerSettings::make(const StoredTokenizer& stored) const {
  return {stored.vocab, stored.config.text_rules(parse_tokenizer_rules(tokenizer)), stored.config.added};
}

TokenizerRules parse_tokenizer_rules(const std::string& name) {
  return name == "google" ? TokenizerRules::google : TokenizerRules::hf;
}

void choose_lower_case(StoredTokenizer& stored, const std::string& option) {
  std::optional<bool>& lower = stored.config.do_lower_case;
  if (option != "auto") {
    const bool asked = option == "true";
    if (lower && *lower != asked)
      stored.notes.push_back(fmt::format("--do_lower_case {} counts: the settings beside {} say {}", asked,
                                         stored.path, *lower));
    lower = asked;
  } else if (!lower) {
    lower = !stored.vocab.has_capitals();
    if (!*lower)
      stored.notes.push_back(
          fmt::format("text keeps its capital letters, as {} has pieces with such and no file "
                      "says do_lower_case",
                      stored.path));
  }
}

}  // namespace gradus
