#include "tasks/report/marked_text.h"

#include <doctest/doctest.h>

#include "core/error.h"
#include "tasks/ner/predict.h"

using namespace gradus;

namespace {

// "In [Alden|LOC|LOC]": what is marked with its labels.
std::string shown(const std::vector<ReportSegment>& segments) {
  std::string text;
  for (const ReportSegment& part : segments) {
    const bool marked = !part.gold.empty() || !part.predicted.empty();
    text += marked ? fmt::format("[{}|{}|{}]", part.text, part.gold, part.predicted) : part.text;
  }
  return text;
}

NerSentence sentence_of(const std::vector<std::string>& words, const std::string& text = "") {
  NerSentence sentence;
  sentence.words = words;
  sentence.text = text;
  return sentence;
}

// The words as they stand in the text.
std::vector<std::string> words_in(const SentenceText& sentence) {
  std::vector<std::string> words;
  for (const auto& [begin, end] : sentence.words.places)
    words.push_back(sentence.text.substr(begin, end - begin));
  return words;
}

}  // namespace

TEST_CASE("what is marked by both, by one, or with another label") {
  CHECK(shown(mark_text("Anna met Bo", {{0, 4, "PER"}}, {{0, 4, "PER"}})) == "[Anna|PER|PER] met Bo");
  CHECK(shown(mark_text("Anna met Bo", {{0, 4, "PER"}}, {{9, 11, "LOC"}})) == "[Anna|PER|] met [Bo||LOC]");
  CHECK(shown(mark_text("Anna", {{0, 4, "PER"}}, {{0, 4, "LOC"}})) == "[Anna|PER|LOC]");
  CHECK(shown(mark_text("a text", {}, {})) == "a text");
  CHECK(shown(mark_text("", {{0, 0, "x"}}, {})).empty());
}

TEST_CASE("spans that overlap are one part, and their labels say what they mean of it") {
  CHECK(shown(mark_text("Anna Brom", {{0, 9, "PER"}}, {{0, 4, "PER"}})) == "[Anna Brom|PER|PER “Anna”]");
  CHECK(shown(mark_text("Anna Brom", {{0, 9, "PER"}}, {{5, 9, "LOC"}, {0, 4, "PER"}})) ==
        "[Anna Brom|PER|PER “Anna”, LOC “Brom”]");
  CHECK(shown(mark_text("a b c d", {{0, 3, "X"}}, {{2, 5, "Y"}})) == "[a b c|X “a b”|Y “b c”] d");
  // Touching is not overlapping.
  CHECK(shown(mark_text("王伟青州", {{0, 6, "PER"}}, {{6, 12, "LOC"}})) == "[王伟|PER|][青州||LOC]");
  CHECK_THROWS_WITH_AS(mark_text("abc", {{2, 4, "X"}}, {}),
                       "[report] bytes 2 to 4 are marked, the text has 3", Error);
}

TEST_CASE("text far from a mark is left out, at the end of a word where there are words") {
  std::string words;
  for (int i = 10; i < 60; ++i) words += fmt::format("w{} ", i);
  const std::string text = words + "gold " + words + "found " + words;
  const auto segments = mark_text(text, {{200, 204, "answer"}}, {{405, 410, "answer"}});
  CHECK(shown(shorten(segments, 10)) ==
        "… w58 w59 [gold|answer|] w10 w11 … w58 w59 [found||answer] w10 w11 …");
  CHECK(shown(shorten(segments, 1000)) == shown(segments));
  CHECK(shown(shorten({{words}}, 10)) == "w10 w11 w12 w13 w14 …");
  std::string chinese;
  for (int i = 0; i < 40; ++i) chinese += i % 2 == 0 ? "青" : "州";
  CHECK(shown(shorten({{chinese}, {"王", "PER"}}, 4)) == "… 青州青州[王|PER|]");
}

TEST_CASE("words are put together as their script has it, and a text given stays as it is") {
  const SentenceText mixed = join_words(sentence_of({"Über", "Anna", "青", "州", "3", "."}), false);
  CHECK(mixed.text == "Über Anna青州3 .");
  CHECK(words_in(mixed) == std::vector<std::string>{"Über", "Anna", "青", "州", "3", "."});
  const SentenceText pieces = join_words(sentence_of({"Bo", "##ris", "left"}), true);
  CHECK(pieces.text == "Boris left");
  CHECK(words_in(pieces) == std::vector<std::string>{"Bo", "ris", "left"});
  const SentenceText given = join_words(sentence_of({"b", "b", "王"}, "b b 王"), false);
  CHECK(given.text == "b b 王");
  CHECK(given.words.places == decltype(given.words.places){{0, 1}, {2, 3}, {4, 7}});
}
