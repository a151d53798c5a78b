#include "data/ner_features.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "core/error.h"
#include "core/random.h"
#include "data/text_file.h"
#include "tests/data/files.h"

using namespace gradus;
using gradus::test::TempFile;
using Ids = std::vector<int32_t>;

namespace {

// Ids: a 5, b 6, c 7, d 8, ##a 9, ##b 10, ##c 11, ##d 12; so "abc" has three pieces.
const Vocab& letters() {
  static const Vocab vocab(
      {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "c", "d", "##a", "##b", "##c", "##d"});
  return vocab;
}

NerData sentence(const std::vector<std::string>& words) {
  NerData data;
  data.path = "f";
  data.sentences.emplace_back();
  for (size_t i = 0; i < words.size(); ++i) {
    data.sentences[0].words.push_back(words[i]);
    data.sentences[0].tags.emplace_back(i % 2 == 0 ? "O" : "B-X");
    data.sentences[0].lines.push_back(static_cast<int64_t>(i) + 1);
  }
  return data;
}

const Tokenizer& tokenizer() {
  static const Tokenizer tokenizer(letters());
  return tokenizer;
}

NerExamples make(const NerData& data, const LabelList* labels, const NerFeatureOptions& options) {
  return make_ner_examples(data, tokenizer(), labels, options);
}

// Checks what holds for every set of examples of `data`, and that each word is scored exactly once.
void check_examples(const NerExamples& made, const NerData& data, const NerFeatureOptions& options) {
  std::vector<std::vector<int>> scored;
  std::vector<Ids> first_ids;
  for (const NerSentence& s : data.sentences) {
    scored.emplace_back(s.words.size());
    Ids& ids = first_ids.emplace_back();
    for (const std::string& word : s.words) ids.push_back(tokenizer().tokenize(word)[0].id);
  }
  for (const NerExample& example : made.examples) {
    CHECK(static_cast<int32_t>(example.input_ids.size()) <= options.seq_length);
    CHECK(example.input_ids.front() == letters().cls_id());
    CHECK(example.input_ids.back() == letters().sep_id());
    REQUIRE(example.first_pieces.size() == example.words.size());
    REQUIRE(example.scored_begin < example.scored_end);
    int32_t expected_word = example.first_word;
    bool in_order = true, are_first = true;
    for (size_t i = 0; i < example.words.size(); ++i) {
      const int32_t word = example.words[i];
      if (word < 0) continue;
      in_order &= word == expected_word++;
      are_first &= example.input_ids[example.first_pieces[i]] == first_ids[example.sentence][word];
      if (word >= example.scored_begin && word < example.scored_end) ++scored[example.sentence][word];
    }
    CHECK(in_order);
    CHECK(are_first);
    CHECK(example.scored_begin >= example.first_word);
    CHECK(example.scored_end <= expected_word);
  }
  for (const auto& counts : scored) {
    CHECK(std::all_of(counts.begin(), counts.end(), [](int count) { return count == 1; }));
  }
}

}  // namespace

TEST_CASE("first pieces carry the tags of their words") {
  const LabelList labels({"O", "B-X"});
  const NerExamples made = make(sentence({"ab", "c", "\u200b", "dcb"}), &labels, {});
  REQUIRE(made.examples.size() == 1);
  const NerExample& example = made.examples[0];
  CHECK(example.input_ids == Ids{2, 5, 10, 7, 1, 8, 11, 10, 3});
  CHECK(example.first_pieces == Ids{1, 3, 4, 5});
  CHECK(example.words == Ids{0, 1, 2, 3});
  CHECK(example.labels == Ids{0, 1, 0, 1});
  CHECK(example.scored_begin == 0);
  CHECK(example.scored_end == 4);
  CHECK(made.counts.str() == "1 sentence, 4 words, 7 pieces, 1 word without a piece ([UNK])");
}

TEST_CASE("the protocols of the seed systems label every position") {
  LabelList labels({"O", "B-X"});
  add_protocol_labels(LabelProtocol::first_piece, labels);
  CHECK(labels.size() == 2);
  const NerData data = sentence({"ab", "c"});
  NerFeatureOptions options;
  options.protocol = LabelProtocol::x_pieces;
  CHECK_THROWS_WITH_AS(make(data, &labels, options), "unknown label 'X': expected one of O, B-X", Error);
  add_protocol_labels(LabelProtocol::x_pieces, labels);
  NerExample example = make(data, &labels, options).examples.at(0);
  CHECK(example.input_ids == Ids{2, 5, 10, 7, 3});
  CHECK(example.first_pieces == Ids{0, 1, 2, 3, 4});
  CHECK(example.words == Ids{-1, 0, -1, 1, -1});
  CHECK(example.labels == Ids{3, 0, 2, 1, 4});  // [CLS] O X B-X [SEP]
  options.protocol = LabelProtocol::x_pieces_no_sep;
  example = make(data, &labels, options).examples.at(0);
  CHECK(example.input_ids == Ids{2, 5, 10, 7});
  CHECK(example.labels == Ids{3, 0, 2, 1});
}

TEST_CASE("long sentences are split so that nothing is lost") {
  const LabelList labels({"O", "B-X"});
  const NerData data = sentence({"ab", "a", "abc", "b", "abcdab", "c"});
  const NerFeatureOptions options{6, LabelProtocol::first_piece, LongSentences::split};
  const NerExamples made = make(data, &labels, options);
  REQUIRE(made.examples.size() == 4);
  CHECK(made.examples[0].input_ids == Ids{2, 5, 10, 5, 3});
  CHECK(made.examples[1].input_ids == Ids{2, 5, 10, 11, 6, 3});
  CHECK(made.examples[1].first_word == 2);
  CHECK(made.examples[1].labels == Ids{0, 1});
  CHECK(made.examples[2].input_ids ==
        Ids{2, 5, 10, 11, 12, 3});  // the word is cut to the four pieces that fit
  CHECK(made.examples[3].input_ids == Ids{2, 7, 3});
  CHECK(made.counts.long_sentences == 1);
  CHECK(made.counts.truncated_words == 1);
  CHECK(made.counts.dropped_words == 0);
  check_examples(made, data, options);
}

TEST_CASE("overlapping windows score each word where it has most context") {
  const NerData data = sentence(std::vector<std::string>(12, "a"));
  const NerFeatureOptions options{10, LabelProtocol::first_piece, LongSentences::overlap};
  const NerExamples made = make(data, nullptr, options);
  REQUIRE(made.examples.size() == 2);  // words 0 to 7 and 4 to 11; the four in both are halved
  CHECK(made.examples[0].scored_end == 6);
  CHECK(made.examples[1].first_word == 4);
  CHECK(made.examples[1].scored_begin == 6);
  CHECK(made.examples[0].labels.empty());
  check_examples(made, data, options);
}

TEST_CASE("random sentences are scored word by word exactly once") {
  RandomSequence random(3, 1);
  const LabelList labels({"O", "B-X"});
  for (int round = 0; round < 300; ++round) {
    std::vector<std::string> words(1 + random.below(60));
    for (std::string& word : words) {
      // Mostly short words, some of more pieces than fit.
      const uint32_t size = random.below(10) == 0 ? 1 + random.below(20) : 1 + random.below(3);
      for (uint32_t i = 0; i < size; ++i) word += static_cast<char>('a' + random.below(4));
    }
    const NerData data = sentence(words);
    for (const auto how : {LongSentences::split, LongSentences::overlap}) {
      for (const auto protocol : {LabelProtocol::first_piece, LabelProtocol::x_pieces}) {
        const NerFeatureOptions options{3 + static_cast<int32_t>(random.below(20)), protocol, how};
        LabelList all = labels;
        add_protocol_labels(protocol, all);
        const NerExamples made = make(data, &all, options);
        check_examples(made, data, options);
        const auto too_long = std::count_if(words.begin(), words.end(), [&](const std::string& word) {
          return static_cast<int32_t>(word.size()) > options.seq_length - 2;
        });
        CHECK(made.counts.truncated_words == too_long);
      }
    }
  }
}

TEST_CASE("cutting keeps what fits and counts the rest") {
  const LabelList labels({"O", "B-X"});
  const NerData data = sentence({"ab", "abc", "b", "c"});
  const NerExamples made = make(data, &labels, {6, LabelProtocol::first_piece, LongSentences::cut});
  REQUIRE(made.examples.size() == 1);
  CHECK(made.examples[0].input_ids == Ids{2, 5, 10, 5, 10, 3});
  CHECK(made.examples[0].labels == Ids{0, 1});
  CHECK(made.examples[0].scored_end == 2);
  CHECK(made.counts.str() ==
        "1 sentence, 4 words, 7 pieces, 1 sentence longer than the sequence, 1 word truncated, 2 words "
        "dropped");
}

TEST_CASE("a tag that isn't in the list is refused with its place") {
  const TempFile file("a O\n\nb B-Y\n");
  const LabelList labels({"O", "B-X"});
  CHECK_THROWS_WITH_AS(make(read_ner(file.path(), NerTags::required), &labels, {}),
                       file.error(":3: word 'b': unknown label 'B-Y': expected one of O, B-X").c_str(),
                       Error);
  CHECK_THROWS_WITH_AS(make(sentence({"a"}), &labels, {2}),
                       "[ner features] seq_length 2: expected at least 3", Error);
}

TEST_CASE("unlabelled data gives examples without labels") {
  const TempFile file("ab\nc\n");
  const LabelList labels({"O", "B-X"});
  const NerExamples made = make(read_ner(file.path(), NerTags::optional), &labels, {});
  CHECK(made.examples.at(0).labels.empty());
  CHECK(made.examples.at(0).first_pieces == Ids{1, 3});
}

TEST_CASE("a sentence without words makes no example and is counted") {
  NerData data = sentence({"a"});
  data.labelled = false;
  data.sentences.insert(data.sentences.begin(), NerSentence{});
  for (const auto how : {LongSentences::split, LongSentences::overlap, LongSentences::cut}) {
    const NerExamples made = make(data, nullptr, {8, LabelProtocol::first_piece, how});
    REQUIRE(made.examples.size() == 1);
    CHECK(made.examples[0].sentence == 1);
    CHECK(made.counts.sentences == 2);
    CHECK(made.counts.dropped_words == 0);
  }
}

TEST_CASE("CoNLL-2003 makes the number of pieces that transformers makes of it") {
  const auto vocab_path = test::shared_file("vocab/cased.txt");
  const auto data_path = test::shared_file("conll2003/dev.txt");
  if (!vocab_path || !data_path) {
    MESSAGE("skipped: no shared data");
    return;
  }
  const Vocab vocab = Vocab::load(*vocab_path);
  const NerData data = read_ner(*data_path, NerTags::required);
  const LabelList labels = LabelList::from_data(data.tags());
  const NerExamples made = make_ner_examples(data, Tokenizer(vocab, TokenizerRules::hf, false), &labels, {});
  CHECK(labels.size() == 9);
  CHECK(made.counts.pieces == 67948);
  CHECK(made.counts.unknown_words == 0);
  CHECK(made.examples.size() >= 3250);
}
