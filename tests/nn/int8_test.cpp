// Models whose weights of products are held in 8 bits.
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/nn/tiny_bert.h"
#include "tests/on_each_backend.h"
#include "tests/op_run.h"

using namespace gradus;
using reference::load;
using reference::Matrix;

namespace {

using Names = std::vector<std::string>;

const Names weights_of_layer{"attention.self.query.weight", "attention.output.dense.weight",
                             "intermediate.dense.weight", "output.dense.weight"};

struct Encoder {
  Encoder(Backend& backend, DType dtype, const Names& keeps = {})
      : model(Scope(parameters) / "bert", tiny_bert()), tokens(tiny_tokens(backend, {5, 1, 9}, 2)) {
    parameters.keep_in_float(keeps);
    parameters.allocate(backend, Parameters::Use::evaluation, dtype);
    parameters.initialize_all(3);
  }
  Matrix output() const {
    const RecordingScope scope(RecordingScope::Mode::evaluate);
    Context context{.compute_type = activation_type(DType::int8)};
    return load(model.forward(context, tokens).value());
  }

  Parameters parameters;
  BertEncoder model;
  TokenBatch tokens;
};

double difference(const Matrix& a, const Matrix& b) {
  double worst = 0;
  for (int64_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]));
  return worst;
}

}  // namespace

TEST_CASE("the weights of an encoder's products can be in 8 bits, one name for each that is stacked") {
  Parameters parameters;
  const BertEncoder model(Scope(parameters) / "bert", tiny_bert());
  Names expected;
  for (const char* layer : {"bert.encoder.layer.0.", "bert.encoder.layer.1."})
    for (const std::string& name : weights_of_layer) expected.push_back(layer + name);
  CHECK(parameters.quantizable() == expected);
}

TEST_CASE("an encoder in int8 gives nearly what it gives in float32, in less memory") {
  on_each_backend(DType::int8, [](Backend& backend) {
    const size_t before = backend.memory().current;
    const Encoder exact(backend, DType::float32);
    const size_t in_float = backend.memory().current - before;
    const Encoder rounded(backend, DType::int8);
    const size_t in_int8 = backend.memory().current - before - in_float;
    CHECK(in_int8 < in_float * 2 / 3);
    const double off = difference(exact.output(), rounded.output());
    CHECK(off > 1e-4);
    CHECK(off < 0.15);
  });
}

TEST_CASE("weights that int8 keeps in float32 are computed with as they are") {
  on_each_backend(DType::int8, [](Backend& backend) {
    const Encoder exact(backend, DType::float32), rounded(backend, DType::int8);
    const Names all = exact.parameters.quantizable();
    const Encoder kept(backend, DType::int8, all);
    CHECK(difference(kept.output(), exact.output()) == 0);
    CHECK(kept.parameters.quantizable().empty());
    // One that is tried, and put back.
    const Encoder tried(backend, DType::float32);
    for (const std::string& name : all) tried.parameters.try_int8(name, true);
    CHECK(difference(tried.output(), rounded.output()) == 0);
    tried.parameters.try_int8(all[2], false);
    const Encoder one(backend, DType::int8, {all[2]});
    CHECK(difference(tried.output(), one.output()) == 0);
    CHECK(difference(one.output(), rounded.output()) > 0);
    for (const std::string& name : all) tried.parameters.try_int8(name, false);
    CHECK(difference(tried.output(), exact.output()) == 0);
  });
}

TEST_CASE("int8 is refused where it can't be, and a weight in 8 bits where floats are asked for") {
  Backend& backend = *backends_under_test().front();
  if (!backend.unsupported(DType::int8).empty()) return;
  Parameters trained;
  const BertEncoder model(Scope(trained) / "bert", tiny_bert());
  CHECK_THROWS_WITH_AS(trained.allocate(backend, Parameters::Use::training, DType::int8),
                       "[parameters] int8 is for evaluation, not for training", Error);
  CHECK_THROWS_WITH_AS(
      trained.keep_in_float({"bert.embeddings.LayerNorm.weight"}),
      doctest::Contains("can't keep bert.embeddings.LayerNorm.weight in float32: it holds no weight of that "
                        "name in 8 bits, but bert.encoder.layer.0.attention.self.query.weight, "),
      Error);
  Encoder rounded(backend, DType::int8);
  const NamedTensor& weight = rounded.parameters.find("bert.encoder.layer.0.attention.self.key.weight");
  CHECK_THROWS_WITH_AS(rounded.parameters.value(weight),
                       "[parameters] bert.encoder.layer.0.attention.self.key.weight is held in 8 bits",
                       Error);
  CHECK_THROWS_WITH_AS(
      rounded.parameters.set(weight, std::vector<float>(3)),
      "[parameters] 3 numbers for bert.encoder.layer.0.attention.self.key.weight of shape [16, 16]", Error);
  CHECK_THROWS_WITH_AS(rounded.parameters.try_int8("bert.embeddings.LayerNorm.weight", true),
                       "[parameters] bert.embeddings.LayerNorm.weight is no weight of a product", Error);
  CHECK_THROWS_WITH_AS(rounded.parameters.keep_in_float({}),
                       "[parameters] what int8 keeps in float32 is said after allocation", Error);
}
