// Texts with a class or a score: their tokens.
#include "data/classification_features.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>

#include "core/error.h"
#include "data/classification_text.h"
#include "tests/data/files.h"

using namespace gradus;
using Ids = std::vector<int32_t>;

namespace {

// Ids: a 5, b 6, c 7.
const Vocab& letters() {
  static const Vocab vocab({"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "c"});
  return vocab;
}

ClassificationExamples make(const ClassificationData& data, const ClassLabels* labels, int32_t length) {
  return make_classification_examples(data, Tokenizer(letters(), TokenizerRules::google), labels, length);
}

ClassificationData texts(const std::string& a, const std::optional<std::string>& b = {}) {
  ClassificationData data;
  data.path = std::string(1, 'f');  // GCC 12 warns of a literal here
  data.texts.push_back({a, b, "x", 0, 7});
  return data;
}

}  // namespace

TEST_CASE("pairs lose pieces of the longer text, of the second when they are equal") {
  const auto cut = [](size_t a, size_t b, size_t room) {
    truncate_pair(a, b, room);
    return std::array<size_t, 2>{a, b};
  };
  CHECK(cut(3, 4, 7) == std::array<size_t, 2>{3, 4});
  CHECK(cut(10, 2, 7) == std::array<size_t, 2>{5, 2});
  CHECK(cut(2, 10, 7) == std::array<size_t, 2>{2, 5});
  CHECK(cut(5, 5, 9) == std::array<size_t, 2>{5, 4});
  CHECK(cut(5, 5, 7) == std::array<size_t, 2>{4, 3});
  CHECK(cut(9, 5, 7) == std::array<size_t, 2>{4, 3});
  CHECK(cut(1, 1, 1) == std::array<size_t, 2>{1, 0});
}

TEST_CASE("tokens and segments of a text and of a pair") {
  const ClassLabels labels({"y", "x"});
  const ClassificationExamples single = make(texts("a b c"), &labels, 8);
  CHECK(single.examples.at(0).input_ids == Ids{2, 5, 6, 7, 3});
  CHECK(single.examples[0].segment_ids == Ids{0, 0, 0, 0, 0});
  CHECK(single.examples[0].label == 1);
  CHECK(single.counts.str() == "1 example, 3 pieces");
  const ClassificationExamples pair = make(texts("a b", "c"), &labels, 8);
  CHECK(pair.examples.at(0).input_ids == Ids{2, 5, 6, 3, 7, 3});
  CHECK(pair.examples[0].segment_ids == Ids{0, 0, 0, 0, 1, 1});

  const ClassificationExamples cut = make(texts("a b c"), nullptr, 4);
  CHECK(cut.examples.at(0).input_ids == Ids{2, 5, 6, 3});
  CHECK(cut.examples[0].label == -1);
  CHECK(cut.counts.str() == "1 example, 3 pieces, 1 example longer than the sequence, 1 piece dropped");
  const ClassificationExamples cut_pair = make(texts("a b c", "c b a"), nullptr, 6);
  CHECK(cut_pair.examples.at(0).input_ids == Ids{2, 5, 6, 3, 7, 3});
  CHECK(cut_pair.counts.dropped_pieces == 3);
  // As long as fits, and no piece longer.
  CHECK(make(texts("a b c", "c"), nullptr, 7).counts.truncated == 0);

  const ClassificationExamples empty = make(texts("", "\u200b"), nullptr, 8);
  CHECK(empty.examples.at(0).input_ids == Ids{2, 3, 3});
  CHECK(empty.examples[0].segment_ids == Ids{0, 0, 1});
  CHECK(empty.counts.str() == "1 example, 0 pieces, 2 texts without a piece");
}

TEST_CASE("a label that isn't in the list is refused with its place") {
  const ClassLabels labels({"y", "z"});
  CHECK_THROWS_WITH_AS(make(texts("a"), &labels, 8), "f:7: unknown label 'x': expected one of y, z", Error);
  CHECK_THROWS_WITH_AS(make(texts("a"), &labels, 2),
                       "[classification features] seq_length 2: expected at least 3", Error);
  CHECK_THROWS_WITH_AS(make(texts("a", "b"), &labels, 3),
                       "[classification features] seq_length 3: expected at least 4", Error);
  ClassificationData unlabelled = texts("a");
  unlabelled.labelled = false;
  CHECK(make(unlabelled, &labels, 8).examples.at(0).label == -1);
}

TEST_CASE("the number of examples done is told") {
  ClassificationData data = texts("a");
  data.texts.resize(3, data.texts.front());
  std::vector<size_t> told;
  make_classification_examples(data, Tokenizer(letters()), nullptr, 8,
                               [&](size_t done) { told.push_back(done); });
  CHECK(told == std::vector<size_t>{1, 2, 3});
}

TEST_CASE("MRPC makes the number of pieces that transformers makes of it") {
  const auto vocab_path = test::shared_file("vocab/uncased.txt");
  const auto data_path = test::shared_file("mrpc/dev.tsv");
  if (!vocab_path || !data_path) {
    MESSAGE("skipped: no shared data");
    return;
  }
  const Vocab vocab = Vocab::load(*vocab_path);
  const ClassificationData data =
      read_classification(*data_path, classification_form("mrpc"), ClassLabelUse::required);
  const ClassLabels labels(classification_form("mrpc").labels);
  const ClassificationExamples made =
      make_classification_examples(data, Tokenizer(vocab, TokenizerRules::google), &labels, 32);
  CHECK(made.counts.pieces == 20499);
  CHECK(made.counts.truncated == 386);
  for (const ClassificationExample& example : made.examples) {
    CHECK(example.input_ids.size() <= 32);
    CHECK(std::count(example.input_ids.begin(), example.input_ids.end(), vocab.sep_id()) == 2);
    CHECK(std::is_sorted(example.segment_ids.begin(), example.segment_ids.end()));
  }
}
