// NEZHA: the encoder with relative positions (Wei et al. 2019, arXiv:1909.00204).
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "nn/checkpoints/model_files.h"
#include "nn/checkpoints/safetensors.h"
#include "tests/files.h"
#include "tests/json.h"
#include "tests/nn/tiny_bert.h"
#include "tests/op_run.h"

using namespace gradus;

namespace {

using Numbers = std::vector<float>;

BertConfig tiny_nezha(RelativePositions relative) {
  BertConfig config = tiny_bert();
  config.relative_positions = relative;
  config.max_relative_position = 3;
  return config;
}

const std::string table_of_layer_0 = "bert.encoder.layer.0.attention.self.relative_positions.weight";

struct Encoder {
  explicit Encoder(Backend& backend, const BertConfig& config,
                   Parameters::Use use = Parameters::Use::training, DType dtype = DType::float32)
      : model(Scope(parameters) / "bert", config), backend(backend), dtype(dtype) {
    parameters.allocate(backend, use, dtype);
    parameters.initialize_all(3);
  }
  // The output for the batch, without dropout.
  Numbers output(const TokenBatch& batch) const {
    const RecordingScope scope(RecordingScope::Mode::evaluate);
    Context context{.compute_type = dtype};
    return model.forward(context, batch).value().to_host();
  }
  // All gradients of a loss of the output.
  Numbers gradients(const TokenBatch& batch, bool recompute) const {
    Context context{true, dtype, {}, recompute};
    const Variable y = model.forward(context, batch);
    const std::vector<int32_t> labels(static_cast<size_t>(y.shape()[0]), 5);
    parameters.gradients().fill_zero();
    backward(cross_entropy(cast(y, DType::float32), tensor_of(backend, labels)));
    parameters.check_all_reached();
    return parameters.gradients().to_host();
  }

  Parameters parameters;
  BertEncoder model;
  Backend& backend;
  DType dtype;
};

TokenBatch short_batch(Backend& backend) { return tiny_tokens(backend, {5, 1, 9}, 2); }

// The weights of nezha_forward.json: element i of a tensor, which is `number` in the order of the names.
Numbers golden_weights(const NamedTensor& tensor, size_t number) {
  Numbers values(static_cast<size_t>(tensor.shape.elements()));
  const double mean = tensor.name.ends_with("LayerNorm.weight") ? 1 : 0;
  for (size_t at = 0; at < values.size(); ++at) {
    const auto i = static_cast<double>(at);
    values[at] =
        static_cast<float>(0.3 * std::sin(0.7 * i + 0.013 * i * i + static_cast<double>(number)) + mean);
  }
  return values;
}

TokenBatch golden_batch(Backend& backend, const Json& sequences) {
  std::vector<int32_t> ids, types, offsets{0};
  int64_t longest = 0;
  for (const Json& sequence : sequences.items()) {
    const auto more_ids = sequence["input_ids"].get<std::vector<int32_t>>();
    const auto more_types = sequence["token_type_ids"].get<std::vector<int32_t>>();
    ids.insert(ids.end(), more_ids.begin(), more_ids.end());
    types.insert(types.end(), more_types.begin(), more_types.end());
    offsets.push_back(static_cast<int32_t>(ids.size()));
    longest = std::max(longest, static_cast<int64_t>(more_ids.size()));
  }
  return {
      tensor_of(backend, ids), tensor_of(backend, types), Tensor(), {tensor_of(backend, offsets), longest}};
}

// The largest difference from transformers' hidden states.
double golden_difference(const BertConfig& config, const Json& sequences) {
  Backend& backend = find_backend("CPU");
  const Encoder encoder(backend, config, Parameters::Use::evaluation);
  std::map<std::string, const NamedTensor*> by_name;
  for (const NamedTensor& tensor : encoder.parameters.tensors()) by_name[tensor.name] = &tensor;
  for (size_t number = 0; const auto& [name, tensor] : by_name)
    encoder.parameters.set(*tensor, golden_weights(*tensor, number++));
  const Numbers hidden = encoder.output(golden_batch(backend, sequences));
  double worst = 0;
  for (size_t begin = 0; const Json& sequence : sequences.items()) {
    for (const Json& row : sequence["rows"].items()) {
      size_t at = (begin + row["row"].get<size_t>()) * static_cast<size_t>(config.hidden_size);
      for (const Json& expected : row["hidden"].items())
        worst = std::max(worst, std::abs(hidden[at++] - expected.get<double>()));
    }
    begin += sequence["input_ids"].size();
  }
  return worst;
}

}  // namespace

TEST_CASE("NEZHA gives transformers' hidden states, beyond the distance where its table ends as well") {
  const Json golden = json_of(file_content(source_file("tests/golden/nezha_forward.json")));
  BertConfig config =
      parse_bert_config(json_text(golden["config"]), "golden", BertConfigFormat::hugging_face);
  REQUIRE(config.relative_positions == RelativePositions::sinusoid);
  const double worst = golden_difference(config, golden["sequences"]);
  MESSAGE("largest difference ", worst);
  CHECK(worst <= 1e-5);
  // The clip shows in these numbers: another one is seen.
  config.max_relative_position = 65;
  CHECK(golden_difference(config, golden["sequences"]) > 1e-3);
}

TEST_CASE("a trained table of relative positions belongs to each layer, sinusoids to nobody's weights") {
  Backend& backend = find_backend("CPU");
  const Encoder bert(backend, tiny_bert()), trained(backend, tiny_nezha(RelativePositions::trained)),
      fixed(backend, tiny_nezha(RelativePositions::sinusoid));
  const std::string positions = "bert.embeddings.position_embeddings.weight";
  CHECK(bert.parameters.contains(positions));
  const auto names = [](const Encoder& encoder) {
    std::set<std::string> names;
    for (const NamedTensor& tensor : encoder.parameters.tensors()) names.insert(tensor.name);
    return names;
  };
  std::set<std::string> expected = names(bert);
  expected.erase(positions);
  CHECK(names(fixed) == expected);
  for (const int layer : {0, 1})
    expected.insert(fmt::format("bert.encoder.layer.{}.attention.self.relative_positions.weight", layer));
  CHECK(names(trained) == expected);
  CHECK(trained.parameters.find(table_of_layer_0).shape == Shape{7, 8});
}

TEST_CASE("a trained table with the values of the sinusoids gives the same bits") {
  for (Backend* backend : backends_under_test()) {
    INFO(backend->description());
    const BertConfig config = tiny_nezha(RelativePositions::trained);
    const Encoder trained(*backend, config), fixed(*backend, tiny_nezha(RelativePositions::sinusoid));
    const Numbers before = trained.output(short_batch(*backend));
    for (const NamedTensor& tensor : trained.parameters.tensors()) {
      if (tensor.name.ends_with("relative_positions.weight"))
        trained.parameters.set(tensor, relative_sinusoids(3, config.head_size()));
    }
    CHECK(trained.output(short_batch(*backend)) == fixed.output(short_batch(*backend)));
    CHECK(trained.output(short_batch(*backend)) != before);
  }
}

TEST_CASE("sinusoids: sine and cosine side by side, of angles that begin with row 0") {
  const Numbers table = relative_sinusoids(2, 4);
  REQUIRE(table.size() == 20);
  CHECK(Numbers(table.begin(), table.begin() + 4) == Numbers{0, 1, 0, 1});
  for (const int row : {1, 4}) {
    const float* values = table.data() + 4 * row;
    CHECK(values[0] == doctest::Approx(std::sin(row)));
    CHECK(values[1] == doctest::Approx(std::cos(row)));
    CHECK(values[2] == doctest::Approx(std::sin(row * 0.01)));
    CHECK(values[3] == doctest::Approx(std::cos(row * 0.01)));
  }
}

TEST_CASE("gradients reach every weight of NEZHA, the same when layers are computed again") {
  for (Backend* backend : backends_under_test()) {
    INFO(backend->description());
    for (const RelativePositions relative : {RelativePositions::trained, RelativePositions::sinusoid}) {
      const Encoder encoder(*backend, tiny_nezha(relative));
      const Numbers kept = encoder.gradients(short_batch(*backend), false);
      CHECK(encoder.gradients(short_batch(*backend), true) == kept);
      CHECK(std::ranges::all_of(kept, [](float value) { return std::isfinite(value); }));
    }
    const Encoder trained(*backend, tiny_nezha(RelativePositions::trained));
    trained.gradients(short_batch(*backend), false);
    const Numbers table = trained.parameters.gradient(trained.parameters.find(table_of_layer_0)).to_host();
    CHECK(std::ranges::none_of(table, [](float value) { return value == 0; }));
  }
}

TEST_CASE("in 16 bits the table of relative positions stays as it is") {
  for (Backend* backend : backends_under_test()) {
    if (!backend->unsupported(DType::bfloat16).empty()) continue;
    INFO(backend->description());
    const BertConfig config = tiny_nezha(RelativePositions::trained);
    const Encoder evaluated(*backend, config, Parameters::Use::evaluation, DType::bfloat16),
        trained(*backend, config, Parameters::Use::training, DType::bfloat16);
    const Tensor table = evaluated.parameters.value(evaluated.parameters.find(table_of_layer_0));
    CHECK(table.dtype() == DType::float32);
    CHECK(evaluated.output(short_batch(*backend)) == trained.output(short_batch(*backend)));
  }
}

TEST_CASE("weights of NEZHA are saved under transformers' names and come back") {
  const TemporaryFolder folder;
  const std::string path = folder / "model.safetensors";
  Backend& backend = find_backend("CPU");
  for (const RelativePositions relative : {RelativePositions::trained, RelativePositions::sinusoid}) {
    const BertConfig config = tiny_nezha(relative);
    const Encoder saved(backend, config);
    save_tensors(saved.parameters, path, config.model_type());
    const std::string prefix = std::string(config.model_type()) + ".e";
    const SafetensorsFile file(path);
    for (const TensorEntry& entry : file.tensors()) CHECK_MESSAGE(entry.name.starts_with(prefix), entry.name);
    Encoder loaded(backend, config);
    loaded.parameters.values().fill_zero();
    const LoadReport report = load_tensors(path, loaded.parameters, {""}, 1);
    CHECK(report.missing.empty());
    CHECK(report.unused.empty());
    CHECK(loaded.parameters.values().to_host() == saved.parameters.values().to_host());
    // Nothing but BERT has a table of positions.
    Encoder bert(backend, tiny_bert());
    CHECK_THROWS_WITH_AS(load_tensors(path, bert.parameters, {"bert."}, 1),
                         (path + ": tensor 'bert.embeddings.position_embeddings.weight' of shape [12, 16] is "
                                 "missing")
                             .c_str(),
                         Error);
  }
  // A table of positions in the file has no place, and is named.
  save_tensors(Encoder(backend, tiny_bert()).parameters, path, "bert");
  Encoder nezha(backend, tiny_nezha(RelativePositions::sinusoid));
  CHECK(load_tensors(path, nezha.parameters, {"bert."}, 1).unused ==
        std::vector<std::string>{"bert.embeddings.position_embeddings.weight"});
}
