// The options of the tokenizer that the programs share which make records of token ids.
#pragma once

#include <string>

#include "data/word_piece.h"
#include "tasks/config.h"

namespace gradus {

struct TokenizerSettings {
  std::string vocab_file = "./vocab.txt";
  std::string do_lower_case = "auto";
  std::string tokenizer = "google";

  void declare(Options& options);
  // The vocabulary must outlive the tokenizer.
  Tokenizer make(const Vocab& vocab) const;
};

}  // namespace gradus
