// Parts of a model: how they are named, what is frozen, which rates they get.
#include <doctest/doctest.h>

#include <cmath>

#include "nn/heads/classifier.h"
#include "nn/parameter_groups.h"
#include "tests/naive_backend.h"
#include "tests/nn/tiny_bert.h"

using namespace gradus;

namespace {

// A classifier over an encoder of three layers.
struct Tiny {
  Tiny() : model(Scope(parameters), three_layers(), {.class_weights = {}}) {}
  static BertConfig three_layers() {
    BertConfig config = tiny_bert();
    config.num_hidden_layers = 3;
    return config;
  }
  float rate(const std::string& name) const { return parameters.find(name).segment.rate; }

  Parameters parameters;
  ClassifierModel model;
};

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("parts are names up to a dot, with or without what is in front, and ranges of numbers") {
  const Tiny tiny;
  const auto parts = [&](const char* part) { return tensors_of(tiny.parameters, part); };
  CHECK(parts("classifier") == Names{"classifier.weight", "classifier.bias"});
  CHECK(parts("classifier.bias") == Names{"classifier.bias"});
  CHECK(parts("pooler") == Names{"bert.pooler.dense.weight", "bert.pooler.dense.bias"});
  CHECK(parts("bert.pooler") == parts("pooler"));
  CHECK(parts("bert").size() + 2 == tiny.parameters.tensors().size());
  const size_t one = parts("encoder.layer.1").size();
  CHECK(one == 16);
  CHECK(parts("encoder.layer.0-2").size() == 3 * one);
  CHECK(parts("encoder.layer.0-2") == parts("encoder"));
  CHECK(parts("encoder.layer.1-1") == parts("encoder.layer.1"));
}

TEST_CASE("a part that there is not is refused with those that there are, as is a range that goes nowhere") {
  const Tiny tiny;
  const auto refuse = [&](const char* part, const char* text) {
    CHECK_THROWS_WITH_AS(tensors_of(tiny.parameters, part), text, Error);
  };
  const std::string named =
      "expected one of embeddings, pooler, classifier, encoder.layer.0 to 2, or of theirs";
  refuse("lstm", ("'lstm': no part of the model is named 'lstm', " + named).c_str());
  refuse("encoder.layer.1-3",
         ("'encoder.layer.1-3': no part of the model is named 'encoder.layer.3', " + named).c_str());
  // The beginning of a name is none.
  refuse("class", ("'class': no part of the model is named 'class', " + named).c_str());
  refuse("", ("'': no part of the model is named '', " + named).c_str());
  refuse("encoder.layer.2-1", "'encoder.layer.2-1': expected two numbers, the lower one first");
}

TEST_CASE("frozen parts keep their values and get no gradient, and the backward pass ends above them") {
  Tiny tiny;
  freeze_parts(tiny.parameters, {"embeddings", "encoder.layer.0-1", "pooler"});
  const Names frozen = tiny.parameters.frozen_names();
  CHECK(frozen.size() == 5 + 2 * 16 + 2);
  Backend& backend = naive_backend();
  tiny.parameters.allocate(backend, Parameters::Use::training, DType::float32);
  tiny.parameters.initialize_all(3);
  Context context{true};
  const std::vector<int32_t> lengths{5, 2};
  const ClassifierBatch batch{tiny_tokens(backend, lengths, 0, 0),
                              tensor_of(backend, std::vector<int32_t>{0, 5}),
                              tensor_of(backend, std::vector<int32_t>{1, 0}),
                              {}};
  backward(tiny.model.loss(context, batch));
  tiny.parameters.check_all_reached();
  for (const NamedTensor& tensor : tiny.parameters.tensors()) {
    CAPTURE(tensor.name);
    const bool is_frozen = std::find(frozen.begin(), frozen.end(), tensor.name) != frozen.end();
    double sum = 0;
    for (const float x : tiny.parameters.gradient(tensor).to_host()) sum += std::abs(static_cast<double>(x));
    CHECK((sum == 0) == is_frozen);
  }
  CHECK(tiny.parameters.trained_segments().size() == tiny.parameters.tensors().size() - frozen.size());

  Tiny all;
  CHECK_THROWS_WITH_AS(freeze_parts(all.parameters, {"bert", "classifier"}), "nothing would be left to train",
                       Error);
}

TEST_CASE("each layer has a part of the rate of the one above it, the head the whole") {
  Tiny tiny;
  decay_rates(tiny.parameters, 0.5F);
  CHECK(tiny.rate("classifier.weight") == 1);
  CHECK(tiny.rate("bert.pooler.dense.bias") == 1);
  CHECK(tiny.rate("bert.encoder.layer.2.attention.self.query.weight") == 0.5F);
  CHECK(tiny.rate("bert.encoder.layer.1.output.LayerNorm.bias") == 0.25F);
  CHECK(tiny.rate("bert.encoder.layer.0.intermediate.dense.weight") == 0.125F);
  CHECK(tiny.rate("bert.embeddings.word_embeddings.weight") == 0.0625F);
}
