// The first half of BERT tokenizing: clean, normalise, and cut a text into words and punctuation characters.
// Devlin et al. 2018, arXiv:1810.04805; the exact rules are those of two programs in use.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
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

// How text is cleaned and normalised before it is cut.
struct TextRules {
  TokenizerRules rules = TokenizerRules::hf;
  bool do_lower_case = true;
  // Drops the nonspacing marks of the canonical decomposition; none: as do_lower_case.
  std::optional<bool> strip_accents = std::nullopt;
  bool tokenize_chinese_chars = true;  // every ideograph is a word

  bool strips_accents() const { return strip_accents.value_or(do_lower_case); }

  friend bool operator==(const TextRules&, const TextRules&) = default;
};

// A character of a normalised word, and the bytes of the source it came from.
struct Character {
  char32_t code;
  uint32_t begin, end;
};

// Words as ranges of `characters`; an added token found in the text is a word with its id.
struct BasicWords {
  struct Word {
    uint32_t begin, end;  // in characters
    int32_t added_id = -1;
  };
  std::vector<Character> characters;
  std::vector<Word> words;

  void clear() {
    characters.clear();
    words.clear();
  }
};

// A token that is found in the text as it stands there and never cut: [MASK], or a word that somebody added to a
// published vocabulary. Of several that begin at one place the longest counts, as in the Rust `tokenizers`.
struct AddedToken {
  std::string text;
  int32_t id = -1;
  bool special = false;  // one of [CLS], [SEP] and the like, not a word of the language
  bool normalized =
      false;  // looked for in the normalised text, as what it is when normalised; else in the text
  bool single_word = false;  // only where no letter, digit, mark or underscore touches it
  // Whether the blanks before and behind it are part of it. These make no piece: kept for those who read the settings.
  bool lstrip = false, rstrip = false;

  friend bool operator==(const AddedToken&, const AddedToken&) = default;
};

class BasicTokenizer {
 public:
  explicit BasicTokenizer(const TextRules& rules, std::vector<AddedToken> added = {});

  // Cuts `text` into words; `out` is overwritten. Throws Error on invalid UTF-8 and on a text of 4 GiB or
  // more.
  void split(std::string_view text, BasicWords& out) const;
  // Whether it is an ideograph that is a word of its own.
  bool is_ideograph(char32_t code) const;

 private:
  enum class Kind : uint32_t {
    letter,   // a part of a word, written as `code`
    space,    // ends a word
    dropped,  // leaves no trace
    alone,    // punctuation or an ideograph: `code` is a word of its own
    special,  // an added token's first, a sigma, several characters in one: see Splitter
  };
  struct Info {
    Info() : Info(Kind::dropped, 0) {}
    Info(Kind k, char32_t c) : kind(k), code(c) {}
    Kind kind : 8;
    uint32_t code : 24;
  };
  class Splitter;
  // What an added token begins with, and what that is in text otherwise.
  struct FirstCode {
    char32_t code;
    Info plain;
  };
  // A token that is looked for in normalised text.
  struct NormalizedToken {
    std::u32string codes;
    bool single_word;
    int32_t id;

    char32_t first() const { return codes.front(); }
  };

  Info classify(char32_t code) const;            // added tokens aside
  Decomposition normalise(char32_t code) const;  // before accents are dropped
  Info info(char32_t code) const;
  const FirstCode* first_code(char32_t code) const;
  bool is_dropped(char32_t code) const;      // by cleaning, before normalising
  bool is_punctuation(char32_t code) const;  // after normalising
  bool is_accent(char32_t code) const;       // to be dropped

  void add(std::vector<AddedToken> added);
  // The token of added_ that begins at text[begin], or null.
  const AddedToken* added_at(std::string_view text, size_t begin) const;
  // The token of normalized_ that begins at part[begin], or null.
  const NormalizedToken* normalized_at(std::span<const Character> part, size_t begin) const;
  static void add_word(std::span<const Character> characters, int32_t added_id, BasicWords& out);
  void cut_part(std::span<const Character> part, BasicWords& out) const;

  TextRules rules_;
  std::vector<AddedToken> added_;            // not normalised ones, the longest first
  std::vector<FirstCode> first_codes_;       // of added_
  std::vector<NormalizedToken> normalized_;  // by their first codes, the longest first
  std::vector<Info> table_;                  // of every code point below U+10000
};

}  // namespace gradus
