// The options of the tokenizer that the programs share which make records of token ids.
#pragma once

#include <cstdio>
#include <string>

#include "data/tokenizer_config.h"
#include "data/word_piece.h"
#include "tasks/options/options.h"

namespace gradus {

struct TokenizerSettings {
  std::string vocab_file = "./vocab.txt";
  std::string do_lower_case = "auto";
  std::string tokenizer = "google";

  void declare(Options& options);
  // Reads the vocabulary with the settings beside it, and tells `log` what is to be told of them.
  StoredTokenizer load(std::FILE* log) const;
  // `stored` must outlive the tokenizer.
  Tokenizer make(const StoredTokenizer& stored) const;
};

TokenizerRules parse_tokenizer_rules(const std::string& name);

// Decides whether text is lower-cased: as the option says, "true", "false" or "auto", or as the files say, or, when these
// don't, unless the vocabulary has pieces with capital letters. Notes where the two differ, and the guess.
void choose_lower_case(StoredTokenizer& stored, const std::string& option);

}  // namespace gradus
