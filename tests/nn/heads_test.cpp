// Heads for classes, scores and answers: shapes, names, losses from the scores by hand, gradients, what is refused.
#include <doctest/doctest.h>

#include <cmath>
#include <set>

#include "nn/heads/classifier.h"
#include "nn/heads/squad.h"
#include "tests/gradcheck.h"
#include "tests/naive_backend.h"
#include "tests/nn/named_gradients.h"
#include "tests/nn/tiny_bert.h"
#include "tests/op_run.h"
#include "tests/reference.h"

using namespace gradus;
using reference::load;
using reference::Matrix;

namespace {

const std::vector<int32_t> lengths{5, 2, 9};
constexpr int64_t unused = 3;

// Three sequences, and two rows more for the heads of none.
ClassifierBatch classifier_batch(Backend& backend, int32_t filler = 0) {
  return {tiny_tokens(backend, lengths, unused, filler),
          tensor_of(backend, std::vector<int32_t>{0, 5, 7, -1, -1}),
          tensor_of(backend, std::vector<int32_t>{2, 0, 2, -100, -100}),
          tensor_of(backend, std::vector<float>{0.5F, 4, 2.5F})};
}

// Of the same sequences the labels that hold, of three.
ClassifierBatch labels_batch(Backend& backend, int32_t filler = 0) {
  ClassifierBatch batch = classifier_batch(backend, filler);
  const std::vector<float> targets{1, 0, 1, 0, 0, 0, 0, 1, 0};
  batch.labels = {};
  batch.targets = Tensor::from(backend, {3, 3}, std::span(targets));
  return batch;
}

SquadBatch squad_batch(Backend& backend, int32_t filler = 0) {
  const std::vector<int32_t> positions{1, 4, 0, 0, 3, 3};
  return {tiny_tokens(backend, lengths, unused, filler), Tensor::from(backend, {3, 2}, std::span(positions))};
}

// A head over the tiny encoder, with initial values.
template <typename Model>
struct Trained {
  template <typename... Config>
  explicit Trained(Backend& backend, const Config&... config)
      : model(Scope(parameters), tiny_bert(), config...) {
    parameters.allocate(backend, Parameters::Use::training, DType::float32);
    parameters.initialize_all(3);
  }
  Parameters parameters;
  Model model;
  Context context{true};
};

ClassifierHeadConfig classes(int64_t count, std::vector<float> weights = {}) {
  return {.classes = count,
          .problem = ProblemType::single_label,
          .dropout = 0.1F,
          .class_weights = std::move(weights)};
}

ClassifierHeadConfig score() {
  return {.classes = 1, .problem = ProblemType::regression, .dropout = 0.1F, .class_weights = {}};
}

ClassifierHeadConfig any_of(int64_t count) {
  return {.classes = count, .problem = ProblemType::multi_label, .dropout = 0.1F, .class_weights = {}};
}

// The loss and all gradients.
template <typename Model, typename Batch>
std::pair<double, Matrix> train(Trained<Model>& trained, const Batch& batch, Context context = {true}) {
  trained.parameters.gradients().fill_zero();
  const Variable loss = trained.model.loss(context, batch);
  backward(loss);
  trained.parameters.check_all_reached();
  return {loss.value().item(), load(trained.parameters.gradients())};
}

template <typename Model, typename Batch, typename... Config>
void check_training(Batch (*make_batch)(Backend&, int32_t), const Config&... config) {
  Trained<Model> naive(naive_backend(), config...);
  const auto [expected_loss, expected] = train(naive, make_batch(naive_backend(), 0));
  for (Backend* backend : backends_under_test()) {
    INFO(backend->description());
    Trained<Model> trained(*backend, config...);
    const auto [loss, gradients] = train(trained, make_batch(*backend, 0));
    CHECK(loss == doctest::Approx(expected_loss).epsilon(1e-5));
    const Distance found = distance(gradients, expected);
    CHECK_MESSAGE(found.within(1e-5, 1e-6), "gradients: off by ", found.difference, " of ", found.norm);
    check_gradients(trained.parameters, naive.parameters);
    // What rows of no sequence hold changes nothing.
    const auto [other_loss, other_gradients] = train(trained, make_batch(*backend, 17));
    CHECK(other_loss == loss);
    CHECK(distance(other_gradients, gradients).within(1e-6, 0));
    // With dropout the loss is another one, and every parameter still gets its gradient.
    const auto [dropped_loss, dropped] =
        train(trained, make_batch(*backend, 0), Context{true, DType::float32, RandomStream(1)});
    CHECK(std::isfinite(dropped_loss));
    CHECK(dropped_loss != loss);
  }
}

// -log softmax of the numbers at one of them.
double loss_of(const std::vector<double>& scores, size_t at) {
  double sum = 0;
  for (const double x : scores) sum += std::exp(x);
  return std::log(sum) - scores[at];
}

std::set<std::string> head_names(const Parameters& parameters) {
  std::set<std::string> names;
  for (const NamedTensor& tensor : parameters.tensors()) {
    if (!tensor.name.starts_with("bert.e")) names.insert(fmt::format("{} {}", tensor.name, tensor.shape));
  }
  return names;
}

}  // namespace

TEST_CASE("classifier: published names, and an output for each row") {
  Backend& backend = find_backend("CPU");
  Trained<ClassifierModel> trained(backend, classes(4));
  CHECK(head_names(trained.parameters) ==
        std::set<std::string>{"bert.pooler.dense.bias [16]", "bert.pooler.dense.weight [16, 16]",
                              "classifier.bias [4]", "classifier.weight [4, 16]"});
  const Variable logits = trained.model.logits(trained.context, classifier_batch(backend));
  CHECK(logits.shape() == Shape{5, 4});
  CHECK(logits.dtype() == DType::float32);
}

TEST_CASE("classifier: the output is a linear map of the pooled vector of each first token") {
  for (Backend* backend : backends_under_test()) {
    INFO(backend->description());
    Trained<ClassifierModel> trained(*backend, classes(4));
    const ClassifierBatch batch = classifier_batch(*backend);
    const Matrix logits = load(trained.model.logits(trained.context, batch).value());
    // Initial values depend on the seed and the names alone: this encoder has the same.
    Parameters parameters;
    const BertEncoder encoder(Scope(parameters) / "bert", tiny_bert());
    parameters.allocate(*backend, Parameters::Use::evaluation, DType::float32);
    parameters.initialize_all(3);
    const Matrix hidden = load(encoder.forward(trained.context, batch.tokens).value());
    const auto value = [&](const char* name) {
      return load(trained.parameters.value(trained.parameters.find(name)));
    };
    const Matrix dense = value("bert.pooler.dense.weight"), out = value("classifier.weight");
    const std::vector<float> bias =
        trained.parameters.value(trained.parameters.find("classifier.bias")).to_host();
    for (int64_t b = 0; b < 3; ++b) {
      const int64_t row = std::vector<int64_t>{0, 5, 7}[static_cast<size_t>(b)];
      std::vector<double> pooled(16);
      for (int64_t o = 0; o < 16; ++o) {
        double sum = 0;
        for (int64_t h = 0; h < 16; ++h) sum += dense(o, h) * hidden(row, h);
        pooled[static_cast<size_t>(o)] = std::tanh(sum);
      }
      for (int64_t k = 0; k < 4; ++k) {
        double sum = bias[static_cast<size_t>(k)];
        for (int64_t h = 0; h < 16; ++h) sum += out(k, h) * pooled[static_cast<size_t>(h)];
        CHECK(logits(b, k) == doctest::Approx(sum).epsilon(1e-4));
      }
    }
  }
}

TEST_CASE("classifier: the loss is that of its outputs, weighted or squared") {
  Backend& backend = find_backend("CPU");
  const ClassifierBatch batch = classifier_batch(backend);
  const auto labels = batch.labels.to_host_int();
  for (const std::vector<float>& weights : {std::vector<float>{}, {0.5F, 1, 3}}) {
    Trained<ClassifierModel> trained(backend, classes(3, weights));
    const Matrix logits = load(trained.model.logits(trained.context, batch).value());
    double expected = 0;
    for (int64_t b = 0; b < 3; ++b) {
      const auto label = static_cast<size_t>(labels[static_cast<size_t>(b)]);
      expected +=
          (weights.empty() ? 1 : weights[label]) * loss_of({logits(b, 0), logits(b, 1), logits(b, 2)}, label);
    }
    CHECK(trained.model.loss(trained.context, batch).value().item() ==
          doctest::Approx(expected).epsilon(1e-5));
  }
  Trained<ClassifierModel> trained(backend, score());
  const Matrix scores = load(trained.model.logits(trained.context, batch).value());
  const double expected =
      (std::pow(scores[0] - 0.5, 2) + std::pow(scores[1] - 4, 2) + std::pow(scores[2] - 2.5, 2));
  CHECK(trained.model.loss(trained.context, batch).value().item() == doctest::Approx(expected).epsilon(1e-5));
}

TEST_CASE("classifier: of any number of labels the loss is the binary cross-entropy of all") {
  for (Backend* backend : backends_under_test()) {
    INFO(backend->description());
    Trained<ClassifierModel> trained(*backend, any_of(3));
    const ClassifierBatch batch = labels_batch(*backend);
    const Matrix logits = load(trained.model.logits(trained.context, batch).value());
    const std::vector<float> targets = batch.targets.to_host();
    double expected = 0;
    for (int64_t i = 0; i < 9; ++i) {
      const double sign = targets[static_cast<size_t>(i)] == 1 ? -1 : 1;
      expected += std::log1p(std::exp(sign * logits(i / 3, i % 3)));
    }
    CHECK(trained.model.loss(trained.context, batch).value().item() ==
          doctest::Approx(expected).epsilon(1e-5));
  }
}

TEST_CASE("classifier: every parameter gets the gradient that plain loops give") {
  check_training<ClassifierModel, ClassifierBatch>(labels_batch, any_of(3));
  check_training<ClassifierModel, ClassifierBatch>(classifier_batch, classes(3));
  check_training<ClassifierModel, ClassifierBatch>(classifier_batch, classes(3, {0.5F, 1, 3}));
  check_training<ClassifierModel, ClassifierBatch>(classifier_batch, score());
}

TEST_CASE("classifier: what does not fit is refused") {
  Parameters parameters;
  const auto make = [&](const ClassifierHeadConfig& head) {
    return ClassifierModel(Scope(parameters), tiny_bert(), head);
  };
  CHECK_THROWS_WITH_AS(make(classes(1)), "[classifier] number of classes 1: expected at least 2", Error);
  CHECK_THROWS_WITH_AS(make(classes(3, {1, 1})),
                       "[classifier] 2 class weights for 3 classes: expected one for each or none", Error);
  CHECK_THROWS_WITH_AS(make(classes(2, {1, -1})), "[classifier] class weight -1: expected 0 or more", Error);
  CHECK_THROWS_WITH_AS(make(classes(2, {1, INFINITY})), "[classifier] class weight inf: expected 0 or more",
                       Error);
  ClassifierHeadConfig two_scores = score();
  two_scores.classes = 2;
  CHECK_THROWS_WITH_AS(make(two_scores), "[classifier] 2 outputs for a score: expected 1", Error);
  ClassifierHeadConfig weighted = score();
  weighted.class_weights = {1};
  CHECK_THROWS_WITH_AS(make(weighted), "[classifier] class weights for a score: expected none", Error);

  CHECK_THROWS_WITH_AS(make(any_of(0)), "[classifier] number of labels 0: expected at least 1", Error);
  ClassifierHeadConfig heavy = any_of(2);
  heavy.class_weights = {1, 2};
  CHECK_THROWS_WITH_AS(make(heavy), "[classifier] class weights for labels: expected none", Error);

  Backend& backend = find_backend("CPU");
  Trained<ClassifierModel> trained(backend, classes(3));
  ClassifierBatch batch = classifier_batch(backend);
  batch.labels = {};
  CHECK_THROWS_WITH_AS(trained.model.loss(trained.context, batch),
                       "[cross_entropy] labels has shape []: expected [5]", Error);
}

TEST_CASE("squad: published names, and two scores for each token") {
  Backend& backend = find_backend("CPU");
  Trained<SquadModel> trained(backend);
  CHECK(head_names(trained.parameters) ==
        std::set<std::string>{"qa_outputs.bias [2]", "qa_outputs.weight [2, 16]"});
  const Variable logits = trained.model.logits(trained.context, squad_batch(backend));
  CHECK(logits.shape() == Shape{19, 2});
  CHECK(logits.dtype() == DType::float32);
}

TEST_CASE("squad: the loss is that of the scores of each sequence's tokens") {
  Backend& backend = find_backend("CPU");
  Trained<SquadModel> trained(backend);
  const SquadBatch batch = squad_batch(backend);
  const Matrix logits = load(trained.model.logits(trained.context, batch).value());
  const auto positions = batch.positions.to_host_int();
  double expected = 0;
  int64_t begin = 0;
  for (size_t b = 0; b < lengths.size(); begin += lengths[b++]) {
    for (const size_t c : {0, 1}) {
      std::vector<double> scores;
      for (int64_t t = begin; t < begin + lengths[b]; ++t)
        scores.push_back(logits(t, static_cast<int64_t>(c)));
      expected += loss_of(scores, static_cast<size_t>(positions[2 * b + c]));
    }
  }
  CHECK(trained.model.loss(trained.context, batch).value().item() == doctest::Approx(expected).epsilon(1e-5));
}

TEST_CASE("squad: every parameter gets the gradient that plain loops give") {
  check_training<SquadModel, SquadBatch>(squad_batch);
}

TEST_CASE("squad: a batch without positions has no loss") {
  Backend& backend = find_backend("CPU");
  Trained<SquadModel> trained(backend);
  SquadBatch batch = squad_batch(backend);
  batch.positions = {};
  CHECK_THROWS_WITH_AS(trained.model.loss(trained.context, batch),
                       "[span_cross_entropy] positions has shape []: expected [3, 2]", Error);
}

TEST_CASE("labels are smoothed in training alone, and with the classes' weights") {
  for (const std::vector<float>& weights : {std::vector<float>{}, std::vector<float>{1, 0.5F, 2}}) {
    Trained<ClassifierModel> trained(naive_backend(), classes(3, weights));
    const ClassifierBatch batch = classifier_batch(naive_backend());
    Context smooth{.training = true, .label_smoothing = 0.2F};
    const auto [loss, gradients] = train(trained, batch, smooth);
    const RecordingScope scope(RecordingScope::Mode::evaluate);
    Context evaluation{.training = false, .label_smoothing = 0.2F};
    const Matrix logits = load(trained.model.logits(evaluation, batch).value());
    const double expected = reference::cross_entropy(logits, {2, 0, 2, -100, -100},
                                                     load(tensor_of(naive_backend(), weights)), 0.2)
                                .loss;
    CHECK(loss == doctest::Approx(expected).epsilon(1e-5));
    const double hard =
        reference::cross_entropy(logits, {2, 0, 2, -100, -100}, load(tensor_of(naive_backend(), weights)))
            .loss;
    CHECK(trained.model.loss(evaluation, batch).value().item() == doctest::Approx(hard).epsilon(1e-5));
  }
}
