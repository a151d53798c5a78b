// How text is cut into words: as the words were that a tagger has learned from.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "data/ner_text.h"

namespace gradus {

// A text in words.
struct TextWords {
  std::vector<std::string> words = {};
  std::vector<std::pair<size_t, size_t>> places = {};  // bytes [begin, end) of each word
};

struct WordRules {
  enum class Cut {
    reference,   // BERT's basic tokenizer, case and accents kept: marks and ideographs stand alone
    characters,  // every character but blanks is a word
    blanks,  // at blanks; the marks of `first_marks` and `last_marks` are cut off what stands between them
  };
  Cut cut = Cut::reference;
  bool blank_words = false;  // for characters alone: blanks are words too, as in JSON lines
  // For blanks alone. Marks that are words of their own where they stand before a word, or behind it; as UTF-8.
  std::string first_marks, last_marks;
  std::vector<std::string> endings;      // "'s": what is cut off the end of words beside marks
  std::unordered_set<std::string> kept;  // words with such marks or endings, in small letters: "u.s.", "'n'"
  bool ideographs_alone = false;         // every ideograph is a word

  friend bool operator==(const WordRules&, const WordRules&) = default;
};

// Learns from the words of sentences how they were cut: as characters, where each word is one; by the reference's rules,
// where these cut no word further, or but one of a thousand; else at blanks. A full stop, a comma and
// the like are cut off the end of words, and quotation marks and brackets off both, unless the data has them there and
// never alone; other marks where they stand alone at least as often as in that place of a word. "[UNK]" says nothing.
WordRules learn_word_rules(std::span<const NerSentence> sentences);

// The same of sentences that come in parts.
class WordRuleLearner {
 public:
  WordRuleLearner();
  ~WordRuleLearner();
  WordRuleLearner(WordRuleLearner&&) noexcept;
  WordRuleLearner& operator=(WordRuleLearner&&) noexcept;

  void add(std::span<const NerSentence> sentences);
  WordRules rules() const;

 private:
  class Words;
  std::unique_ptr<Words> words_;
};

// What a line of text says of itself: whether blanks part all its words ("He left ."), or marks stand beside words
// ("He left."). Neither, where it has no marks, or both.
enum class LineForm { unclear, parted, running };
LineForm form_of(std::string_view line, const WordRules& rules);

// The words of a text; with `parted` what blanks part, as columns and lists of words have it, whatever the rules.
// Throws Error on invalid UTF-8.
TextWords cut_words(const std::string& text, const WordRules& rules, bool parted = false);

}  // namespace gradus
