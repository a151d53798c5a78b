// The encoder with its token head against outputs of the reference implementation.
#include <doctest/doctest.h>

#include <filesystem>

#include "nn/checkpoints/model_files.h"
#include "nn/heads/ner.h"
#include "tests/files.h"
#include "tests/json.h"
#include "tests/places.h"

using namespace gradus;

namespace {

std::filesystem::path fixtures() { return place("GRADUS_SHARED") / "formats" / "fixtures" / "safetensors"; }

// The rows of a padded [B, S] matrix that `mask` keeps, one sequence after the other.
std::vector<int32_t> packed(const Json& matrix, const Json& mask) {
  std::vector<int32_t> values;
  for (size_t b = 0; b < matrix.size(); ++b) {
    for (size_t s = 0; s < matrix[b].size(); ++s) {
      if (mask[b][s] == 1) values.push_back(matrix[b][s].get<int32_t>());
    }
  }
  return values;
}

Tensor tensor_of(Backend& backend, const std::vector<int32_t>& values) {
  return Tensor::from(backend, {static_cast<int64_t>(values.size())}, std::span(values));
}

NerBatch batch_of(Backend& backend, const Json& reference) {
  const Json& mask = reference["attention_mask"];
  std::vector<int32_t> offsets{0}, positions, rows;
  int64_t longest = 0;
  for (const Json& row : mask.items()) {
    int32_t length = 0;
    for (const Json& kept : row.items()) length += kept.get<int32_t>();
    for (int32_t i = 0; i < length; ++i) positions.push_back(i);
    offsets.push_back(offsets.back() + length);
    longest = std::max<int64_t>(longest, length);
  }
  for (int32_t i = 0; i < offsets.back(); ++i) rows.push_back(i);
  const Packing packing{tensor_of(backend, offsets), longest};
  return {
      {tensor_of(backend, packed(reference["input_ids"], mask)),
       tensor_of(backend, packed(reference["token_type_ids"], mask)), tensor_of(backend, positions), packing},
      tensor_of(backend, rows),
      packing,
      {}};
}

BertConfig config_of(const Json& json) {
  BertConfig config;
  config.vocab_size = json["vocab_size"].integer();
  config.hidden_size = json["hidden_size"].integer();
  config.num_hidden_layers = json["num_hidden_layers"].integer();
  config.num_attention_heads = json["num_attention_heads"].integer();
  config.intermediate_size = json["intermediate_size"].integer();
  config.max_position_embeddings = json["max_position_embeddings"].integer();
  config.type_vocab_size = json["type_vocab_size"].integer();
  config.layer_norm_eps = json["layer_norm_eps"].number();
  return config;
}

}  // namespace

TEST_CASE("BERT token classification gives transformers' logits") {
  const auto path = fixtures() / "bert_ner.forward.json";
  if (!std::filesystem::exists(path)) {
    MESSAGE("skipped: no shared fixtures");
    return;
  }
  const Json reference = json_of(file_content(path));
  Backend& backend = find_backend("CPU");
  Parameters parameters;
  const NerHeadConfig head{.tags = reference["config"]["num_labels"].get<int64_t>()};
  const NerModel model{Scope(parameters), config_of(reference["config"]), head};
  parameters.allocate(backend, Parameters::Use::evaluation, DType::float32);
  const LoadReport report = load_tensors((fixtures() / "bert_ner.safetensors").string(), parameters, {""}, 1);
  CHECK(report.missing.empty());
  CHECK(report.unused.empty());

  const RecordingScope scope(RecordingScope::Mode::evaluate);
  Context context;
  const std::vector<float> logits = model.emissions(context, batch_of(backend, reference)).value().to_host();
  const Json& mask = reference["attention_mask"];
  const std::vector<float> expected = reference["outputs"]["logits"]["data"].get<std::vector<float>>();
  const auto labels = reference["config"]["num_labels"].get<size_t>();
  size_t row = 0, packed_row = 0;
  double worst = 0;
  for (const Json& sequence : mask.items()) {
    for (const Json& kept : sequence.items()) {
      for (size_t k = 0; kept == 1 && k < labels; ++k) {
        worst =
            std::max<double>(worst, std::abs(logits[packed_row * labels + k] - expected[row * labels + k]));
      }
      packed_row += kept.get<size_t>();
      ++row;
    }
  }
  CHECK(packed_row * labels == logits.size());
  CHECK(worst < 2e-6);
}
