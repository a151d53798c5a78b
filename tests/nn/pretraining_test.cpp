// The heads of pretraining: names, losses from the scores, gradients, and the rows that fill up the vocabulary.
#include <doctest/doctest.h>

#include <cmath>
#include <set>

#include "nn/heads/pretraining.h"
#include "nn/optimizer.h"
#include "tests/gradcheck.h"
#include "tests/naive_backend.h"
#include "tests/nn/named_gradients.h"
#include "tests/nn/tiny_bert.h"
#include "tests/op_run.h"

using namespace gradus;
using reference::load;
using reference::Matrix;

namespace {

constexpr int64_t vocab_rows = 64;  // of the tiny vocabulary of 30
const std::vector<int32_t> lengths{5, 2, 9};

// Three sequences, of which the first has two masked words, the second none, and the third three, its first token among them.
PretrainingBatch batch_on(Backend& backend, int32_t filler = 0) {
  return {tiny_tokens(backend, lengths, 3, filler),
          tensor_of(backend, std::vector<int32_t>{0, 1, 3, 5, 7, 9, 14, -1}),
          tensor_of(backend, std::vector<int32_t>{0, 3, 4, -1}),
          tensor_of(backend, std::vector<int32_t>{1, 2, 4, 5, 6, -1}),
          tensor_of(backend, std::vector<int32_t>{0, 1, 1, -100}),
          tensor_of(backend, std::vector<int32_t>{29, 3, 17, 0, 8, -100})};
}

struct Trained {
  explicit Trained(Backend& backend, DType type = DType::float32,
                   Parameters::Use use = Parameters::Use::training)
      : model(Scope(parameters), tiny_bert()), context{use == Parameters::Use::training, type} {
    parameters.allocate(backend, use, type);
    parameters.initialize_all(3);
  }
  Tensor gradient(const char* name) const { return parameters.gradient(parameters.find(name)); }

  Parameters parameters;
  PretrainingModel model;
  Context context;
};

std::vector<double> losses_of(Trained& trained, const PretrainingBatch& batch) {
  const auto [words, random_next] = trained.model.losses(trained.context, batch);
  return {words.value().item(), random_next.value().item()};
}

// All gradients of both losses, the second one three times.
Matrix gradients_of(Trained& trained, const PretrainingBatch& batch) {
  trained.parameters.gradients().fill_zero();
  const auto [words, random_next] = trained.model.losses(trained.context, batch);
  backward(
      weighted_sum({words, random_next}, tensor_of(trained.parameters.backend(), std::vector<float>{1, 3})));
  trained.parameters.check_all_reached();
  return load(trained.parameters.gradients());
}

// -log softmax of a row at one of its numbers.
double loss_of(const Matrix& scores, int64_t row, int64_t at) {
  double sum = 0;
  for (int64_t k = 0; k < scores.columns(); ++k) sum += std::exp(scores(row, k));
  return std::log(sum) - scores(row, at);
}

}  // namespace

TEST_CASE("pretraining: published names and shapes, without what fills up the vocabulary") {
  Parameters parameters;
  const PretrainingModel model(Scope(parameters), tiny_bert());
  std::set<std::string> names;
  for (const NamedTensor& tensor : parameters.tensors()) {
    if (!tensor.name.starts_with("bert.encoder"))
      names.insert(fmt::format("{} {}", tensor.name, tensor.shape));
  }
  CHECK(names ==
        std::set<std::string>{"bert.embeddings.LayerNorm.bias [16]", "bert.embeddings.LayerNorm.weight [16]",
                              "bert.embeddings.position_embeddings.weight [12, 16]",
                              "bert.embeddings.token_type_embeddings.weight [2, 16]",
                              "bert.embeddings.word_embeddings.weight [30, 16]",
                              "bert.pooler.dense.bias [16]", "bert.pooler.dense.weight [16, 16]",
                              "cls.predictions.bias [30]", "cls.predictions.transform.LayerNorm.bias [16]",
                              "cls.predictions.transform.LayerNorm.weight [16]",
                              "cls.predictions.transform.dense.bias [16]",
                              "cls.predictions.transform.dense.weight [16, 16]",
                              "cls.seq_relationship.bias [2]", "cls.seq_relationship.weight [2, 16]"});
}

TEST_CASE("pretraining: a masked word's scores are products with the words' vectors") {
  for (Backend* backend : backends_under_test()) {
    INFO(backend->description());
    Trained trained(*backend);
    const PretrainingBatch batch = batch_on(*backend);
    const auto values = [&](const char* name) {
      return load(trained.parameters.value(trained.parameters.find(name)));
    };
    // The same encoder without heads, whose rows are not chosen before the last layer.
    Parameters parameters;
    const BertEncoder encoder(Scope(parameters) / "bert", tiny_bert());
    parameters.allocate(*backend, Parameters::Use::evaluation, DType::float32);
    parameters.initialize_all(3);
    const Matrix hidden = load(encoder.forward(trained.context, batch.tokens).value());
    const Matrix dense = values("cls.predictions.transform.dense.weight"),
                 words = values("bert.embeddings.word_embeddings.weight");

    const RecordingScope scope(RecordingScope::Mode::evaluate);
    const Matrix scores = load(trained.model.logits(trained.context, batch).words.value());
    REQUIRE(scores.columns() == vocab_rows);
    const int64_t rows[] = {1, 3, 7, 9, 14};  // that are masked
    for (int64_t m = 0; m < 5; ++m) {
      std::vector<double> x(16);
      double mean = 0, variance = 0;
      for (int64_t o = 0; o < 16; ++o) {
        double sum = 0;
        for (int64_t h = 0; h < 16; ++h) sum += dense(o, h) * hidden(rows[m], h);
        x[static_cast<size_t>(o)] = sum * 0.5 * std::erfc(-sum / std::sqrt(2.0));
        mean += x[static_cast<size_t>(o)] / 16;
      }
      for (const double value : x) variance += (value - mean) * (value - mean) / 16;
      for (int64_t word = 0; word < 30; ++word) {
        double sum = 0;  // the bias is 0, gamma 1 and beta 0
        for (int64_t h = 0; h < 16; ++h)
          sum += words(word, h) * (x[static_cast<size_t>(h)] - mean) / std::sqrt(variance);
        CHECK(scores(m, word) == doctest::Approx(sum).epsilon(1e-4).scale(1));
      }
      for (int64_t word = 30; word < vocab_rows; ++word) CHECK(scores(m, word) < -1e29);
    }
  }
}

TEST_CASE("pretraining: the losses are those of the scores") {
  for (Backend* backend : backends_under_test()) {
    INFO(backend->description());
    Trained trained(*backend);
    const PretrainingBatch batch = batch_on(*backend);
    const std::vector<double> losses = losses_of(trained, batch);
    const RecordingScope scope(RecordingScope::Mode::evaluate);
    const PretrainingModel::Logits logits = trained.model.logits(trained.context, batch);
    const Matrix words = load(logits.words.value()), next = load(logits.random_next.value());
    CHECK(losses[0] == doctest::Approx(loss_of(words, 0, 29) + loss_of(words, 1, 3) + loss_of(words, 2, 17) +
                                       loss_of(words, 3, 0) + loss_of(words, 4, 8))
                           .epsilon(1e-5));
    CHECK(losses[1] ==
          doctest::Approx(loss_of(next, 0, 0) + loss_of(next, 1, 1) + loss_of(next, 2, 1)).epsilon(1e-5));
  }
}

TEST_CASE("pretraining: every parameter gets the gradient that plain loops give") {
  Trained naive(naive_backend());
  const Matrix expected = gradients_of(naive, batch_on(naive_backend()));
  for (Backend* backend : backends_under_test()) {
    INFO(backend->description());
    Trained trained(*backend);
    const Matrix gradients = gradients_of(trained, batch_on(*backend));
    const Distance found = distance(gradients, expected);
    CHECK_MESSAGE(found.within(1e-5, 1e-6), "gradients: off by ", found.difference, " of ", found.norm);
    check_gradients(trained.parameters, naive.parameters);
    // What rows of no sequence hold changes nothing.
    CHECK(distance(gradients_of(trained, batch_on(*backend, 17)), gradients).within(1e-6, 0));
  }
}

TEST_CASE("pretraining: what fills up the vocabulary stays as it is, and no gradient reaches it") {
  for (const DType type : {DType::float32, DType::bfloat16}) {
    Backend& backend = find_backend("CPU");
    if (!backend.unsupported(type).empty()) continue;
    Trained trained(backend, type);
    DeviceStep step(backend);
    Optimizer optimizer(trained.parameters, {});
    const auto rest = [&](const Tensor& buffer, const char* name, int64_t row) {
      const NamedTensor& tensor = trained.parameters.find(name);
      const int64_t count = (vocab_rows - 30) * row;
      return buffer.view(tensor.segment.offset + tensor.segment.size, {count}).to_host();
    };
    const char *table = "bert.embeddings.word_embeddings.weight", *bias = "cls.predictions.bias";
    gradients_of(trained, batch_on(backend));
    for (const float x : rest(trained.parameters.gradients(), table, 16)) CHECK(x == 0);
    for (const float x : rest(trained.parameters.gradients(), bias, 1)) CHECK(x == 0);
    const std::vector<float> factors{1, 1};
    step.begin(0, 0.1F, factors);
    optimizer.step(step);
    CHECK(step.findings().wait().skipped == 0);
    for (const float x : rest(trained.parameters.values(), table, 16)) CHECK(x == 0);
    for (const float x : rest(trained.parameters.values(), bias, 1)) CHECK(x == -1e30F);
  }
}

TEST_CASE("pretraining: a model held in bfloat16 alone predicts no word that is none") {
  Backend& backend = find_backend("CPU");
  if (const std::string reason = backend.unsupported(DType::bfloat16); !reason.empty()) {
    MESSAGE("skipped: ", reason);
    return;
  }
  Trained trained(backend, DType::bfloat16, Parameters::Use::evaluation);
  const RecordingScope scope(RecordingScope::Mode::evaluate);
  const Variable scores = trained.model.logits(trained.context, batch_on(backend)).words;
  CHECK(scores.dtype() == DType::float32);
  const Matrix values = load(scores.value());
  for (int64_t m = 0; m < 5; ++m) {
    for (int64_t word = 30; word < vocab_rows; ++word) CHECK(values(m, word) < -1e29);
  }
}
