// Real pretrained weights, against the reference implementation: the encoder's output, and the losses and gradient
// norms of a whole training run. GRADUS_MINILM names the folder of a six-layer BERT (tests/fetch_minilm.sh gets it).
#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "nn/optimizer.h"
#include "nn/schedule.h"
#include "tasks/ner/batch.h"
#include "tasks/ner/training.h"
#include "tests/files.h"

using namespace gradus;
using Json = nlohmann::json;

namespace {

// The folder with the weights; empty, with a message, where there is none.
std::string minilm() {
  const char* folder = std::getenv("GRADUS_MINILM");
  if (folder == nullptr || !std::filesystem::exists(std::filesystem::path(folder) / "model.safetensors")) {
    MESSAGE("skipped: GRADUS_MINILM names no folder with a model.safetensors");
    return {};
  }
  return folder;
}

// The pretrained encoder under a head for `tags`, without dropout.
std::unique_ptr<NerSystem> system_of(const std::string& folder, std::vector<std::string> tags) {
  NerOptions options;
  options.load_pretrain_checkpoint_path = folder;
  options.model.dropout = 0;
  return NerSystem::create(options, LabelList(std::move(tags)), std::nullopt);
}

double worst_difference(DType compute_type, const std::string& folder, const Json& sentences) {
  Backend& backend = find_backend("CPU");
  Parameters parameters;
  const BertEncoder encoder(Scope(parameters) / "bert", read_bert_config(folder + "/config.json"));
  parameters.allocate(backend, Parameters::Use::evaluation, compute_type);
  load_tensors(folder, parameters, {""}, 1);
  std::vector<NerExample> examples;
  for (const Json& sentence : sentences) {
    NerExample example;
    example.input_ids = sentence["input_ids"].get<std::vector<int32_t>>();
    examples.push_back(std::move(example));
  }
  std::vector<int32_t> all(examples.size());
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<int32_t>(i);
  const RecordingScope scope(RecordingScope::Mode::evaluate);
  Context context;
  context.compute_type = compute_type;
  const std::vector<float> hidden =
      encoder.forward(context, make_ner_batch(backend, examples, all).tokens).value().to_host();
  double worst = 0;
  size_t i = 0;
  for (const Json& sentence : sentences) {
    for (const Json& row : sentence["hidden"]) {
      for (const Json& expected : row)
        worst = std::max(worst, std::abs(hidden[i++] - expected.get<double>()));
    }
  }
  return worst;
}

}  // namespace

TEST_CASE("pretrained BERT gives transformers' hidden states, all sentences in one packed batch") {
  const std::string folder = minilm();
  if (folder.empty()) return;
  const std::filesystem::path source = std::getenv("GRADUS_SOURCE");
  const Json sentences = Json::parse(file_content(source / "tests" / "golden" / "minilm_forward.json"));
  const double fp32 = worst_difference(DType::float32, folder, sentences);
  MESSAGE("fp32: largest difference " << fp32);
  CHECK(fp32 <= 2e-5);
  if (!find_backend("CPU").unsupported(DType::bfloat16).empty()) return;
  const double bf16 = worst_difference(DType::bfloat16, folder, sentences);
  MESSAGE("bf16: largest difference " << bf16);
  CHECK(bf16 <= 5e-2);
}

TEST_CASE("fine-tuning follows PyTorch's losses and gradient norms step by step") {
  const std::filesystem::path fixtures = shared_folder("formats/fixtures/training_reference");
  const std::string folder = minilm();
  if (folder.empty() || fixtures.empty()) return;
  const Json reference = Json::parse(file_content(fixtures / "ner_softmax.json"));
  const auto losses = reference["losses"].get<std::vector<double>>();
  const auto norms = reference["grad_norm_before_clipping"].get<std::vector<double>>();

  Backend& backend = find_backend("CPU");
  auto system = system_of(folder, reference["labels"].get<std::vector<std::string>>());
  const NerData data = read_ner((fixtures / "../../../data/conll2003/train.txt").string(), NerTags::required);
  NerExamples examples =
      make_ner_examples(data, system->tokenizer(), &system->labels(), {128, system->protocol()});
  NerTraining task(backend, *system, data, std::move(examples), nullptr);
  system->allocate(backend, Parameters::Use::training, DType::float32, 1);
  const Tensor head = system->parameters().value(system->parameters().find("classifier.weight"));
  std::vector<float> weight;
  for (int64_t i = 0; i < head.elements(); ++i) {
    weight.push_back(static_cast<float>(0.05 * std::sin(0.7 * static_cast<double>(i) + 0.3)));
  }
  head.copy_from_host(weight);
  system->parameters().value(system->parameters().find("classifier.bias")).fill_zero();

  Optimizer optimizer(system->parameters(), {});
  Schedule schedule;
  schedule.learning_rate = 1e-4;
  schedule.warmup_steps = 5;
  schedule.total_steps = 50;
  double worst_loss = 0, worst_norm = 0;
  for (size_t step = 0; step < losses.size(); ++step) {
    std::vector<int32_t> batch;
    for (int32_t i = 0; i < 16; ++i) batch.push_back(static_cast<int32_t>(step) * 16 + i);
    Context context{true, DType::float32, RandomStream(1, 0, static_cast<uint32_t>(step), 0)};
    const Variable loss = task.loss(context, batch, static_cast<float>(task.loss_weight(batch)));
    worst_loss = std::max(worst_loss, std::abs(loss.value().item() / losses[step] - 1));
    backward(loss);
    system->parameters().check_all_reached();
    const double norm = optimizer.step(schedule.at(static_cast<int64_t>(step)));
    worst_norm = std::max(worst_norm, std::abs(norm / norms[step] - 1));
  }
  MESSAGE("largest relative difference: losses " << worst_loss << ", gradient norms " << worst_norm);
  CHECK(worst_loss <= 1e-3);
  CHECK(worst_norm <= 1e-3);
}
