// The first half of BERT tokenizing: clean, normalise, and cut a text into words and punctuation characters.
// Devlin et al. 2018, arXiv:1810.04805; the exact rules are those of two programs in use.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/unicode.h"

namespace gradus {

enum class TokenizerRules {
  // As the Rust `tokenizers` behind transformers.BertTokenizerFast: NFD before lower-casing, lower-casing
  // character by character, Unicode 8.0 categories, special tokens recognised in the text, words of up to 100
  // characters.
  hf,
  // As google-research/bert tokenization.py: lower-casing (Python's, with the final sigma) before NFD, words
  // of up to 200.
  google,
  // As google, but WordPiece as in mindspore-ai/models: no length limit, and where no piece fits, [UNK]
  // follows the pieces that did.
  mindspore,
};

// A character of a normalised word, and the bytes of the source it came from.
struct Character {
  char32_t code;
  uint32_t begin, end;
};

// Words as ranges of `characters`; a special token found in the text is a word with its id and one
// placeholder character.
struct BasicWords {
  struct Word {
    uint32_t begin, end;  // in characters
    int32_t special_id = -1;
  };
  std::vector<Character> characters;
  std::vector<Word> words;

  void clear() {
    characters.clear();
    words.clear();
  }
};

// A token that is recognised verbatim in the text, before any normalising.
struct SpecialToken {
  std::string text;  // starts with '['
  int32_t id;
};

class BasicTokenizer {
 public:
  // do_lower_case lower-cases and drops accents (the nonspacing marks of the canonical decomposition).
  // `specials` are looked for with the hf rules only.
  BasicTokenizer(TokenizerRules rules, bool do_lower_case, std::vector<SpecialToken> specials);

  // Cuts `text` into words; `out` is overwritten. Throws Error on invalid UTF-8 and on a text of 4 GiB or
  // more.
  void split(std::string_view text, BasicWords& out) const;

 private:
  enum class Kind : uint32_t {
    letter,   // a part of a word, written as `code`
    space,    // ends a word
    dropped,  // leaves no trace
    alone,    // punctuation or an ideograph: `code` is a word of its own
    special,  // a bracket, a sigma, several characters in one: see Splitter
  };
  struct Info {
    Info() : Info(Kind::dropped, 0) {}
    Info(Kind k, char32_t c) : kind(k), code(c) {}
    Kind kind : 8;
    uint32_t code : 24;
  };
  class Splitter;

  Info classify(char32_t code) const;
  Decomposition normalise(char32_t code) const;  // before accents are dropped
  Info info(char32_t code) const { return code < table_.size() ? table_[code] : classify(code); }
  bool is_dropped(char32_t code) const;      // by cleaning, before normalising
  bool is_punctuation(char32_t code) const;  // after normalising
  bool is_ideograph(char32_t code) const;
  bool is_accent(char32_t code) const;  // to be dropped

  TokenizerRules rules_;
  bool do_lower_case_;
  std::vector<SpecialToken> specials_;
  std::vector<Info> table_;  // classify() of every code point below U+10000
};

}  // namespace gradus
