// The built-in sample: the same every time, valid tags, names that are held out, and a vocabulary that fits.
#include "data/sample/sample.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

using namespace gradus;

namespace {

struct Name {
  std::string text;
  std::string type;
};

// The marked names of a sentence, their words joined by spaces.
std::vector<Name> names_of(const SampleSentence& sentence) {
  std::vector<Name> names;
  for (size_t i = 0; i < sentence.words.size(); ++i) {
    const std::string& tag = sentence.tags[i];
    if (tag.starts_with("B-")) names.push_back({sentence.words[i], tag.substr(2)});
    if (tag.starts_with("I-")) names.back().text += " " + sentence.words[i];
  }
  return names;
}

bool is_english(const SampleSentence& sentence) {
  return static_cast<unsigned char>(sentence.words.back()[0]) < 128;
}

// The word pieces of a word by greedy longest match; empty when there is a part without one.
std::vector<std::string> pieces_of(const std::string& word, const std::set<std::string>& vocabulary) {
  std::vector<std::string> pieces;
  for (size_t begin = 0; begin < word.size();) {
    size_t end = word.size();
    const std::string before = begin == 0 ? "" : "##";
    while (end > begin && !vocabulary.contains(before + word.substr(begin, end - begin))) --end;
    if (end == begin) return {};
    pieces.push_back(before + word.substr(begin, end - begin));
    begin = end;
  }
  return pieces;
}

}  // namespace

TEST_CASE("sample: sizes, half of it English, no sentence twice") {
  const Sample sample = make_sample();
  CHECK(sample.train.size() == 2000);
  CHECK(sample.held_out.size() == 400);
  CHECK(std::count_if(sample.train.begin(), sample.train.end(), is_english) == 1000);
  CHECK(std::count_if(sample.held_out.begin(), sample.held_out.end(), is_english) == 200);
  std::set<std::vector<std::string>> seen;
  for (const auto* part : {&sample.train, &sample.held_out}) {
    for (const SampleSentence& sentence : *part) CHECK(seen.insert(sentence.words).second);
  }
}

TEST_CASE("sample: the same every time") {
  const Sample a = make_sample();
  const Sample b = make_sample();
  for (size_t i = 0; i < a.train.size(); ++i) {
    CHECK(a.train[i].words == b.train[i].words);
    CHECK(a.train[i].tags == b.train[i].tags);
  }
  for (size_t i = 0; i < a.held_out.size(); ++i) CHECK(a.held_out[i].words == b.held_out[i].words);
  CHECK(a.vocabulary == b.vocabulary);
}

TEST_CASE("sample: tags are valid BIO of three types, words are whole") {
  const Sample sample = make_sample();
  std::map<std::string, int> counts;
  for (const auto* part : {&sample.train, &sample.held_out}) {
    for (const SampleSentence& sentence : *part) {
      REQUIRE(sentence.words.size() == sentence.tags.size());
      REQUIRE(sentence.words.size() >= 5);
      CHECK(sentence.words.size() <= 40);
      std::string before = "O";
      for (size_t i = 0; i < sentence.words.size(); ++i) {
        const std::string& tag = sentence.tags[i];
        ++counts[tag];
        if (tag.starts_with("I-")) CHECK((before == "B-" + tag.substr(2) || before == tag));
        before = tag;
        CHECK_FALSE(sentence.words[i].empty());
        CHECK(sentence.words[i].find_first_of(" {}#") == std::string::npos);
      }
    }
  }
  CHECK(counts.size() == 7);
  for (const char* type : {"PER", "LOC", "ORG"}) {
    CHECK(counts[std::string("B-") + type] > 1000);
    CHECK(counts[std::string("I-") + type] > 500);
  }
}

TEST_CASE("sample: no held-out name occurs in training, as any type") {
  const Sample sample = make_sample();
  std::set<std::string> train;
  for (const SampleSentence& sentence : sample.train) {
    for (const Name& name : names_of(sentence)) train.insert(name.text);
  }
  CHECK(train.size() > 1500);
  std::set<std::string> held_out;
  for (const SampleSentence& sentence : sample.held_out) {
    for (const Name& name : names_of(sentence)) {
      CAPTURE(name.text);
      CHECK_FALSE(train.contains(name.text));
      held_out.insert(name.text);
    }
  }
  CHECK(held_out.size() > 400);
}

TEST_CASE("sample: every word has pieces, unseen names are cut where the parts meet") {
  const Sample sample = make_sample();
  const std::set<std::string> vocabulary(sample.vocabulary.begin(), sample.vocabulary.end());
  CHECK(vocabulary.size() == sample.vocabulary.size());
  CHECK(vocabulary.size() < 2000);
  const std::vector<std::string> first(sample.vocabulary.begin(), sample.vocabulary.begin() + 5);
  CHECK(first == std::vector<std::string>{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"});
  for (const auto* part : {&sample.train, &sample.held_out}) {
    for (const SampleSentence& sentence : *part) {
      for (const std::string& word : sentence.words) {
        CAPTURE(word);
        const std::vector<std::string> pieces = pieces_of(word, vocabulary);
        CHECK(pieces.size() >= 1);
        CHECK(pieces.size() <= 2);
      }
    }
  }
  CHECK(pieces_of("Bromfield", vocabulary) == std::vector<std::string>{"Brom", "##field"});
  CHECK(pieces_of("Brackmouth", vocabulary) == std::vector<std::string>{"Brack", "##mouth"});
  CHECK(pieces_of("Zzyzx", vocabulary).size() == 5);
}
