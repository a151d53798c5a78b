// What the batches of the heads for classes and answers hold.
#include <doctest/doctest.h>

#include "tasks/classifier/batch.h"
#include "tasks/squad/batch.h"

using namespace gradus;

namespace {

using Ints = std::vector<int32_t>;

// As many rows as the backend computes.
Ints filled(Ints values, int32_t filler) {
  const int64_t rows = find_backend("CPU").padded_rows(std::ssize(values));
  values.resize(static_cast<size_t>(rows), filler);
  return values;
}

}  // namespace

TEST_CASE("a classifier's batch: the first row, label and score of each example, in the order chosen") {
  const std::vector<ClassificationExample> examples{{{2, 5, 3}, {0, 0, 0}, 1, 0.5F},
                                                    {{2, 9, 9, 3}, {0, 0, 0, 0}, 7, 9},
                                                    {{2, 6, 3, 8, 3}, {0, 0, 0, 1, 1}, -1, 4}};
  Backend& backend = find_backend("CPU");
  const HostBatch packed =
      pack_classifier(backend, examples, Ints{2, 0}, {.classes = 8, .class_weights = {}});
  CHECK(packed.examples == 2);
  CHECK(packed.tokens == 8);
  CHECK(packed.weights == std::vector<double>{2});
  CHECK(packed.numbers == std::vector<int64_t>{2, 0});
  const ClassifierBatch batch = classifier_batch(Batch(backend, packed), ProblemType::single_label);
  CHECK(batch.tokens.input_ids.to_host_int() == filled({2, 6, 3, 8, 3, 2, 5, 3}, 0));
  CHECK(batch.tokens.token_type_ids.to_host_int() == filled({0, 0, 0, 1, 1, 0, 0, 0}, 0));
  CHECK(batch.tokens.position_ids.to_host_int() == filled({0, 1, 2, 3, 4, 0, 1, 2}, 0));
  CHECK(batch.tokens.packing.offsets.to_host_int() == Ints{0, 5, 8});
  CHECK(batch.tokens.packing.longest == 5);
  CHECK(batch.first_rows.to_host_int() == filled({0, 5}, -1));
  CHECK(batch.labels.to_host_int() == filled({-1, 1}, -100));

  // Of a class its weight counts, of scores there is one a text.
  const ClassifierHeadConfig weighted{.classes = 2, .class_weights = {1, 3}};
  CHECK(pack_classifier(backend, examples, Ints{0}, weighted).weights == std::vector<double>{3});
  const ClassifierHeadConfig score{.classes = 1, .problem = ProblemType::regression, .class_weights = {}};
  const HostBatch scored = pack_classifier(backend, examples, Ints{2, 0}, score);
  CHECK(scored.weights == std::vector<double>{2});
  CHECK(classifier_batch(Batch(backend, scored), ProblemType::regression).targets.to_host() ==
        std::vector<float>{4, 0.5F});
}

TEST_CASE(
    "a classifier's batch: of any number of labels a 0 or a 1 for each, over which the loss is a mean") {
  std::vector<ClassificationExample> examples(3);
  for (ClassificationExample& example : examples) {
    example.input_ids = {2, 5, 3};
    example.segment_ids = {0, 0, 0};
  }
  examples[0].labels = {0, 3};
  examples[2].labels = {1};
  Backend& backend = find_backend("CPU");
  const HostBatch packed =
      pack_classifier(backend, examples, Ints{2, 1, 0},
                      {.classes = 4, .problem = ProblemType::multi_label, .class_weights = {}});
  CHECK(packed.weights == std::vector<double>{12});
  const ClassifierBatch batch = classifier_batch(Batch(backend, packed), ProblemType::multi_label);
  CHECK(batch.targets.shape() == Shape{3, 4});
  CHECK(batch.targets.to_host() == std::vector<float>{0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1});
}

TEST_CASE("a batch of questions: segment 1 from the context on, and the answer's place in each window") {
  SquadFeature first{0, {}}, second{1, {}};
  first.window.input_ids = {2, 5, 3, 7, 8, 3};
  first.window.context_begin = 3;
  first.window.start = 3;
  first.window.end = 4;
  second.window.input_ids = {2, 3, 9, 3};
  second.window.context_begin = 2;
  Backend& backend = find_backend("CPU");
  const HostBatch packed = pack_squad(backend, std::vector{first, second}, Ints{1, 0});
  CHECK(packed.weights == std::vector<double>{4});
  const SquadBatch batch = squad_batch(Batch(backend, packed));
  CHECK(batch.tokens.input_ids.to_host_int() == filled({2, 3, 9, 3, 2, 5, 3, 7, 8, 3}, 0));
  CHECK(batch.tokens.token_type_ids.to_host_int() == filled({0, 0, 1, 1, 0, 0, 0, 1, 1, 1}, 0));
  CHECK(batch.tokens.position_ids.to_host_int() == filled({0, 1, 2, 3, 0, 1, 2, 3, 4, 5}, 0));
  CHECK(batch.tokens.packing.offsets.to_host_int() == Ints{0, 4, 10});
  CHECK(batch.tokens.packing.longest == 6);
  CHECK(batch.positions.shape() == Shape{2, 2});
  CHECK(batch.positions.to_host_int() == Ints{0, 0, 3, 4});
}
