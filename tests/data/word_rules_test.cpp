#include "data/word_rules.h"

#include <doctest/doctest.h>

#include "core/error.h"
#include "data/unicode.h"

using namespace gradus;

namespace {

using Words = std::vector<std::string>;
using Cut = WordRules::Cut;

std::vector<NerSentence> sentences(const std::vector<Words>& all) {
  std::vector<NerSentence> result;
  for (const Words& words : all) result.emplace_back().words = words;
  return result;
}

const std::vector<Words> pre_split{
    {"U.N.", "met", "AT&T", "in", "St.-Lo", "on", "1996-08-22", "."},
    {"He", "said", ":", "\"", "It", "'s", "the", "U.S.", "'s", ",", "is", "n't", "it", "?", "\""},
    {"She", "'s", "'70s", "music", "did", "n't", "do", ",", "nor", "did", "n't", "he", "("}};

}  // namespace

TEST_CASE("word rules are learned from the words") {
  CHECK(learn_word_rules(sentences({{"王", "伟", "。"}, {"[UNK]", "##州"}})).cut == Cut::characters);
  CHECK_FALSE(learn_word_rules(sentences({{"王", "伟"}})).blank_words);
  CHECK(learn_word_rules(sentences({{"王", " ", "伟"}})).blank_words);
  CHECK(learn_word_rules(sentences({{"Anna", "met", "王", "-", "Müller", "."}})).cut == Cut::reference);
  const WordRules rules = learn_word_rules(sentences(pre_split));
  CHECK(rules.cut == Cut::blanks);
  CHECK(rules.endings == Words{"'s", "n't"});
  CHECK(rules.kept.contains("u.n."));
  CHECK(rules.kept.contains("u.s."));
  CHECK_FALSE(rules.kept.contains("at&t"));
  CHECK_FALSE(rules.ideographs_alone);
  // A stray word among a thousand decides nothing.
  std::vector<Words> many{Words(999, "word"), {"U.S."}};
  CHECK(learn_word_rules(sentences(many)).cut == Cut::reference);
  many.push_back({"U.N."});
  CHECK(learn_word_rules(sentences(many)).cut == Cut::blanks);
}

TEST_CASE("text is cut as the words were that a tagger learned from") {
  const WordRules rules = learn_word_rules(sentences(pre_split));
  const auto cut = [&](const std::string& text) { return cut_words(text, rules).words; };
  // The words themselves, with blanks between.
  for (const Words& words : pre_split) {
    std::string text;
    for (const std::string& word : words) text += word + " ";
    CHECK(cut_words(text, rules, true).words == words);
  }
  // Text as people write it: marks beside words stand alone, those of the words that are known stay.
  CHECK(cut("U.N. met AT&T in St.-Lo on 1996-08-22.") ==
        Words{"U.N.", "met", "AT&T", "in", "St.-Lo", "on", "1996-08-22", "."});
  CHECK(cut("\"It's the U.S.'s, isn't it?\" (Clinton...)") == Words{"\"", "It", "'s", "the", "U.S.", "'s",
                                                                    ",", "is", "n't", "it", "?", "\"", "(",
                                                                    "Clinton", ".", ".", ".", ")"});
  CHECK(cut("  in\tLondon\u00a0City ,") == Words{"in", "London\u00a0City", ","});
  CHECK(cut("").empty());
  const TextWords words = cut_words("a \"b\".", rules);
  CHECK(words.places == std::vector<std::pair<size_t, size_t>>{{0, 1}, {2, 3}, {3, 4}, {4, 5}, {5, 6}});
  CHECK_THROWS_AS(cut_words("\xC3(", rules), Error);
}

TEST_CASE("ideographs stand alone where none of the words joins them") {
  const WordRules rules = learn_word_rules(sentences({{"价", "格", "3.5", "元", "。"}, {"用", "iPhone"}}));
  CHECK(rules.cut == Cut::blanks);
  CHECK(cut_words("价格3.5元,用iPhone。", rules).words ==
        Words{"价", "格", "3.5", "元", ",", "用", "iPhone", "。"});
  const WordRules joined = learn_word_rules(sentences({{"北京", "3.5", "元", "。"}}));
  CHECK(cut_words("北京 3.5 元。", joined).words == Words{"北京", "3.5", "元", "。"});
}

TEST_CASE("blanks of characters are words where they were") {
  WordRules rules;
  rules.cut = Cut::characters;
  CHECK(cut_words("王 a", rules).words == Words{"王", "a"});
  rules.blank_words = true;
  CHECK(cut_words("王 a", rules).words == Words{"王", " ", "a"});
}

TEST_CASE("a line says itself whether blanks part its words") {
  const WordRules rules = learn_word_rules(sentences(pre_split));
  for (const char* parted : {"U.N. met Clinton .", "He left , and stayed", "It 's ( so )"})
    CHECK(form_of(parted, rules) == LineForm::parted);
  for (const char* running : {"U.N. met Clinton.", "He left, and stayed", "It's (so)", "王伟。"})
    CHECK(form_of(running, rules) == LineForm::running);
  // A known abbreviation, or one within the line, tells nothing.
  for (const char* unclear : {"the U.S.", "Mr. Brom left", "JAPAN - CHINA", "", "left, he .", "."})
    CHECK(form_of(unclear, rules) == LineForm::unclear);
}
