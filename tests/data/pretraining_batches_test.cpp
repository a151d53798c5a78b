// Batches to pretrain on that are made of text: what an epoch has is a function of seed and number, and every one is another.
#include "data/pretraining_batches.h"

#include <doctest/doctest.h>

using namespace gradus;

namespace {

Vocab small_vocab() {
  std::vector<std::string> tokens{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
  for (char c = 'a'; c <= 'z'; ++c) tokens.emplace_back(1, c);
  return Vocab(tokens);
}

// Five documents of six sentences of four tokens.
std::shared_ptr<const PretrainingDocuments> documents() {
  auto made = std::make_shared<PretrainingDocuments>();
  for (int32_t d = 0; d < 5; ++d) {
    for (int32_t s = 0; s < 6; ++s) {
      for (int32_t t = 0; t < 4; ++t) made->tokens.push_back(5 + (d + 3 * s + t) % 26);
      made->sentences.push_back(std::ssize(made->tokens));
    }
    made->documents.push_back(made->sentence_count());
  }
  return made;
}

// A batch as the list of its examples' tokens and masked tokens.
using Lists = std::vector<std::vector<int32_t>>;

struct Source {
  explicit Source(uint64_t seed)
      : batches(documents(), vocab, options(), 3, seed, [this](std::span<const PretrainingExample> examples) {
          for (const PretrainingExample& example : examples) {
            made.push_back(example.input_ids);
            made.push_back(example.masked_ids);
          }
          HostBatch batch;
          batch.examples = std::ssize(examples);
          return batch;
        }) {}

  static PretrainingOptions options() {
    PretrainingOptions o;
    o.max_seq_length = 16;
    o.dupe_factor = 7;  // doesn't count
    return o;
  }

  Lists read(int64_t epoch, int64_t first = 0) {
    made.clear();
    batches.begin(epoch, first);
    int64_t count = first;
    for (HostBatch batch; batches.next(batch); ++count)
      CHECK((batch.examples == 3 || count + 1 == batches.count(epoch)));
    CHECK(count == batches.count(epoch));
    return made;
  }

  Vocab vocab = small_vocab();
  Lists made;
  PretrainingTextBatches batches;
};

}  // namespace

TEST_CASE("text to pretrain on: an epoch is a function of the seed and its number") {
  Source one(1), same(1), other(2);
  const Lists first = one.read(0), second = one.read(1);
  REQUIRE(first.size() > 8);
  CHECK(first != second);
  CHECK(same.read(1) == second);
  CHECK(same.read(0) == first);
  CHECK(other.read(0) != first);
  CHECK(one.batches.examples() == 5);
}

TEST_CASE("text to pretrain on: an epoch begins at any batch") {
  Source source(1);
  const Lists whole = source.read(2);
  CHECK(source.read(2, 2) == Lists(whole.begin() + 2 * 3 * 2, whole.end()));
  const int64_t count = source.batches.count(2);
  CHECK(source.read(2, count).empty());
  CHECK_THROWS_AS(source.batches.begin(2, count + 1), Error);
}

TEST_CASE("text to pretrain on: every epoch goes through all of it once") {
  Source source(1);
  for (int64_t epoch = 0; epoch < 3; ++epoch) {
    int64_t tokens = 0;
    const Lists lists = source.read(epoch);
    for (size_t i = 0; i < lists.size(); i += 2) tokens += std::ssize(lists[i]) - 3;
    // 120 tokens; what follows in a document is used once, random second texts come on top, and some is cut off.
    CHECK(tokens > 100);
    CHECK(tokens < 300);
  }
}
