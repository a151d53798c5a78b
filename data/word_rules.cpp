#include "data/word_rules.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "data/basic_tokenizer.h"
#include "data/unicode.h"

namespace gradus {
namespace {

// Those that end a sentence or a part of one, or close a quotation or a bracket; and those that open one.
constexpr std::string_view sentence_marks = ".,;:!?)\"'…”’。，、；：！？）」』";
constexpr std::string_view opening_marks = "(\"'“‘（「『";
constexpr size_t longest_kept = 64;          // bytes of a word with marks: longer ones come but once
constexpr size_t longest_ending = 4;         // characters: "'ll"
constexpr int64_t words_for_one_odd = 1000;  // a stray word doesn't decide how text is cut
constexpr int64_t fewest_of_an_ending = 3;   // an opening quote before a short word is none

const BasicTokenizer& reference() {
  static const BasicTokenizer tokenizer({TokenizerRules::google, false});
  return tokenizer;
}

char32_t code_of(std::string_view character) {
  size_t pos = 0;
  return decode_utf8(character, pos);
}

bool is_mark(std::string_view character) {
  const std::string_view kind = category(code_of(character));
  return kind[0] == 'P' || kind[0] == 'S';
}

std::string_view first_character(std::string_view text) {
  size_t end = 0;
  decode_utf8(text, end);
  return text.substr(0, end);
}

std::string_view last_character(std::string_view text) {
  size_t begin = text.size() - 1;
  while ((static_cast<unsigned char>(text[begin]) & 0xC0U) == 0x80) --begin;
  return text.substr(begin);
}

bool is_ideograph(std::string_view character) { return reference().is_ideograph(code_of(character)); }

// Blanks part words, but for those that hold a word together.
bool parts_words(std::string_view character) {
  const char32_t code = code_of(character);
  return is_python_space(code) && code != 0xA0 && code != 0x2007 && code != 0x202F;
}

std::string small_letters(std::string_view text) {
  std::string small;
  for (size_t pos = 0; pos < text.size();) append_utf8(small, to_lower(decode_utf8(text, pos)));
  return small;
}

bool contains(std::string_view marks, std::string_view character) {
  return marks.find(character) != std::string_view::npos;
}

bool keeps(const WordRules& rules, std::string_view word) {
  return word.size() <= longest_kept && rules.kept.contains(small_letters(word));
}

using Places = std::vector<std::pair<size_t, size_t>>;  // bytes [begin, end) of a text

// What stands between blanks.
Places between_blanks(std::string_view text) {
  Places parts;
  size_t begin = 0, at = 0;
  for (const std::string_view character : split_characters(text)) {
    if (parts_words(character)) {
      if (at > begin) parts.emplace_back(begin, at);
      begin = at + character.size();
    }
    at += character.size();
  }
  if (at > begin) parts.emplace_back(begin, at);
  return parts;
}

// Cuts what stands between blanks.
class Cutter {
 public:
  Cutter(std::string_view text, const WordRules& rules) : text_(text), rules_(rules) {}

  Places run() {
    for (const auto& [begin, end] : between_blanks(text_)) cut_part(begin, end);
    return std::move(result_);
  }

 private:
  void add(size_t begin, size_t end) {
    if (begin != end) result_.emplace_back(begin, end);
  }

  void cut_part(size_t begin, size_t end) {
    if (!rules_.ideographs_alone) return cut_marks(begin, end);
    size_t at = begin;
    for (const std::string_view character : split_characters(text_.substr(begin, end - begin))) {
      const size_t next = at + character.size();
      if (is_ideograph(character)) {
        cut_marks(begin, at);
        add(at, next);
        begin = next;
      }
      at = next;
    }
    cut_marks(begin, end);
  }

  // Marks and endings off both ends, until what is left is a word to keep.
  void cut_marks(size_t begin, size_t end) {
    Places behind;
    while (begin < end) {
      const std::string_view part = text_.substr(begin, end - begin);
      const std::string_view first = first_character(part), last = last_character(part);
      if (first.size() == part.size() || keeps(rules_, part)) break;
      if (contains(rules_.first_marks, first)) {
        add(begin, begin + first.size());
        begin += first.size();
        continue;
      }
      const size_t cut = contains(rules_.last_marks, last) ? last.size() : ending_of(part);
      if (cut == 0) break;
      behind.emplace_back(end - cut, end);
      end -= cut;
    }
    add(begin, end);
    for (auto word = behind.rbegin(); word != behind.rend(); ++word) add(word->first, word->second);
  }

  // The bytes of the ending of a word, which has more than that; 0: none.
  size_t ending_of(std::string_view part) const {
    for (const std::string& ending : rules_.endings) {
      if (part.size() <= ending.size()) continue;
      const std::string_view tail = part.substr(part.size() - ending.size());
      const bool whole = (static_cast<unsigned char>(tail[0]) & 0xC0U) != 0x80;
      if (whole && small_letters(tail) == ending) return ending.size();
    }
    return 0;
  }

  std::string_view text_;
  const WordRules& rules_;
  Places result_;
};

}  // namespace

// What is counted in words to learn from.
class WordRuleLearner::Words {
 public:
  void add(std::string_view word) {
    if (word.empty() || word == "[UNK]") return;
    if (word.starts_with("##") && word.size() > 2) word.remove_prefix(2);  // a piece of a record
    blank_words_ |= word == " " || word == "\t";
    count(word);
    ++words_;
    const auto [known, is_new] = seen_.try_emplace(std::string(word), false);
    if (is_new) known->second = look_at(word);
    cut_further_ += known->second ? 1 : 0;
  }

  WordRules rules() const {
    WordRules rules;
    if (characters_) rules.cut = WordRules::Cut::characters;
    rules.blank_words = characters_ && blank_words_;
    if (characters_ || cut_further_ * words_for_one_odd <= words_) return rules;
    rules.cut = WordRules::Cut::blanks;
    rules.ideographs_alone = ideographs_ && !joined_ideographs_;
    for (const auto& [mark, counts] : marks_) {
      if (is_cut_off(mark, opening_marks, sentence_marks, counts.alone, counts.first))
        rules.first_marks += mark;
      if (is_cut_off(mark, sentence_marks, opening_marks, counts.alone, counts.last))
        rules.last_marks += mark;
    }
    for (const auto& [ending, times] : endings_) {
      if (times >= fewest_of_an_ending) rules.endings.push_back(ending);
    }
    for (const auto& [word, cut_further] : seen_) {
      if (word.size() <= longest_kept && is_cut(rules, word)) rules.kept.insert(small_letters(word));
    }
    return rules;
  }

 private:
  struct Counts {
    int64_t alone = 0, first = 0, last = 0;
  };

  // What a word that is new says; whether the reference cuts it further.
  bool look_at(std::string_view word) {
    const std::vector<std::string_view> characters = split_characters(word);
    characters_ &= std::ranges::count_if(characters, [](auto c) { return c != " " && c != "\t"; }) <= 1;
    BasicWords cut;
    reference().split(word, cut);
    const bool has_ideographs = std::ranges::any_of(characters, is_ideograph);
    ideographs_ |= has_ideographs;
    joined_ideographs_ |= has_ideographs && characters.size() > 1;
    return cut.words.size() != 1 || cut.characters.size() != characters.size();
  }

  void count(std::string_view word) {
    const std::string_view first = first_character(word), last = last_character(word);
    if (first.size() == word.size()) {
      if (is_mark(word)) ++marks_[std::string(word)].alone;
      return;
    }
    if (is_mark(first)) ++marks_[std::string(first)].first;
    if (is_mark(last)) ++marks_[std::string(last)].last;
    const bool may_end = contains("'’", first) || word == "n't" || word == "n’t";
    if (may_end && !is_mark(last) && split_characters(word).size() <= longest_ending)
      ++endings_[small_letters(word)];
  }

  // Whether the rules would cut the word.
  static bool is_cut(const WordRules& rules, const std::string& word) {
    return Cutter(word, rules).run().size() > 1;
  }

  // `usual`: marks that people write in that place, words that have them being the exception; `other`: those of the other
  // end of words.
  static bool is_cut_off(const std::string& mark, std::string_view usual, std::string_view other,
                         int64_t alone, int64_t beside) {
    if (contains(usual, mark)) return alone > 0 || beside == 0;
    return !contains(other, mark) && alone >= beside;
  }

  static std::map<std::string, Counts> usual_marks() {
    std::map<std::string, Counts> marks;
    for (const std::string_view mark : split_characters(sentence_marks)) marks[std::string(mark)];
    for (const std::string_view mark : split_characters(opening_marks)) marks[std::string(mark)];
    return marks;
  }

  std::unordered_map<std::string, bool> seen_;           // whether the reference cuts it further
  std::map<std::string, Counts> marks_ = usual_marks();  // and those of the words
  std::map<std::string, int64_t> endings_;
  int64_t words_ = 0, cut_further_ = 0;
  bool characters_ = true, blank_words_ = false;
  bool ideographs_ = false, joined_ideographs_ = false;
};

namespace {

// Where the rules have the words of a text.
Places places_by(const WordRules& rules, std::string_view text) {
  if (rules.cut == WordRules::Cut::blanks) return Cutter(text, rules).run();
  Places places;
  if (rules.cut == WordRules::Cut::characters) {
    size_t begin = 0;
    for (const std::string_view character : split_characters(text)) {
      if (rules.blank_words || (character != " " && character != "\t"))
        places.emplace_back(begin, begin + character.size());
      begin += character.size();
    }
  } else {
    BasicWords words;
    reference().split(text, words);
    for (const BasicWords::Word& word : words.words)
      places.emplace_back(words.characters[word.begin].begin, words.characters[word.end - 1].end);
  }
  return places;
}

}  // namespace

WordRuleLearner::WordRuleLearner() : words_(std::make_unique<Words>()) {}
WordRuleLearner::~WordRuleLearner() = default;
WordRuleLearner::WordRuleLearner(WordRuleLearner&&) noexcept = default;
WordRuleLearner& WordRuleLearner::operator=(WordRuleLearner&&) noexcept = default;

void WordRuleLearner::add(std::span<const NerSentence> sentences) {
  for (const NerSentence& sentence : sentences) {
    for (const std::string& word : sentence.words) words_->add(word);
  }
}

WordRules WordRuleLearner::rules() const { return words_->rules(); }

WordRules learn_word_rules(std::span<const NerSentence> sentences) {
  WordRuleLearner learner;
  learner.add(sentences);
  return learner.rules();
}

LineForm form_of(std::string_view line, const WordRules& rules) {
  bool parted = false, running = false;
  const auto parts = between_blanks(line);
  for (size_t i = 0; i < parts.size(); ++i) {
    const std::string_view part = line.substr(parts[i].first, parts[i].second - parts[i].first);
    const std::string_view mark = last_character(part);
    if (!contains(sentence_marks, mark)) continue;
    const bool ends_line = i + 1 == parts.size();
    if (mark.size() == part.size()) parted |= parts.size() > 1;
    // A full stop within the line is an abbreviation's.
    else if ((ends_line || mark != ".") && !keeps(rules, part)) running = true;
  }
  if (parted == running) return LineForm::unclear;
  return parted ? LineForm::parted : LineForm::running;
}

TextWords cut_words(const std::string& text, const WordRules& rules, bool parted) {
  TextWords result{{}, parted ? between_blanks(text) : places_by(rules, text)};
  for (const auto& [begin, end] : result.places) result.words.push_back(text.substr(begin, end - begin));
  return result;
}

}  // namespace gradus
