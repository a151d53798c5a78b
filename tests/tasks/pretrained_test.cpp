// Real pretrained weights, against the reference implementation: the encoder's output, and the losses and gradient
// norms of whole training runs.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "nn/checkpoints/model_files.h"
#include "tasks/classifier/batch.h"
#include "tasks/ner/batch.h"
#include "tasks/ner/training.h"
#include "tasks/squad/batch.h"
#include "tests/files.h"
#include "tests/json.h"
#include "tests/tasks/training_reference.h"

using namespace gradus;

namespace {

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
  for (const Json& sentence : sentences.items()) {
    NerExample example;
    example.input_ids = sentence["input_ids"].get<std::vector<int32_t>>();
    examples.push_back(std::move(example));
  }
  std::vector<int32_t> all(examples.size());
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<int32_t>(i);
  const RecordingScope scope(RecordingScope::Mode::evaluate);
  Context context;
  context.compute_type = compute_type;
  const HostBatch batch = pack_ner(backend, examples, all);
  const std::vector<float> hidden =
      encoder.forward(context, tokens_of(Batch(backend, batch))).value().to_host();
  double worst = 0;
  size_t i = 0;
  for (const Json& sentence : sentences.items()) {
    for (const Json& row : sentence["hidden"].items()) {
      for (const Json& expected : row.items())
        worst = std::max(worst, std::abs(hidden[i++] - expected.get<double>()));
    }
  }
  return worst;
}

// The pretrained encoder, without dropout, under a head with the values of the reference runs.
template <typename Model>
struct Pretrained {
  template <typename... Config>
  Pretrained(Backend& backend, const std::string& folder, const std::string& head, const Config&... config)
      : model(Scope(parameters), without_dropout(read_bert_config(folder + "/config.json")), config...) {
    parameters.allocate(backend, Parameters::Use::training, DType::float32);
    const LoadReport report = load_tensors(folder, parameters, {"bert."}, 1);
    CHECK(report.missing == std::vector<std::string>{head + ".weight", head + ".bias"});
    fill_head(parameters, head);
  }
  static BertConfig without_dropout(BertConfig config) {
    config.hidden_dropout_prob = config.attention_probs_dropout_prob = 0;
    return config;
  }
  Parameters parameters;
  Model model;
};

// The first window of each question, in order.
std::vector<SquadFeature> first_windows(SquadFeaturizer& featurizer, size_t questions) {
  std::vector<SquadFeature> features;
  for (size_t i = 0; i < questions; ++i) features.push_back(featurizer.run(std::vector{i})[0]);
  return features;
}

}  // namespace

TEST_CASE("pretrained BERT gives transformers' hidden states, all sentences in one packed batch") {
  const std::string folder = minilm();
  if (folder.empty()) return;
  const Json sentences = json_of(file_content(source_file("tests/golden/minilm_forward.json")));
  const double fp32 = worst_difference(DType::float32, folder, sentences);
  MESSAGE("fp32: largest difference " << fp32);
  CHECK(fp32 <= 2e-5);
  if (!find_backend("CPU").unsupported(DType::bfloat16).empty()) return;
  const double bf16 = worst_difference(DType::bfloat16, folder, sentences);
  MESSAGE("bf16: largest difference " << bf16);
  CHECK(bf16 <= 5e-2);
}

TEST_CASE("fine-tuning a tagger follows PyTorch's losses and gradient norms step by step") {
  const std::filesystem::path fixtures = shared_folder("formats/fixtures/training_reference");
  const std::string folder = minilm();
  if (folder.empty() || fixtures.empty()) return;
  const Json reference = json_of(file_content(fixtures / "ner_softmax.json"));
  Backend& backend = find_backend("CPU");
  auto system = system_of(folder, reference["labels"].get<std::vector<std::string>>());
  const NerData data = read_ner((fixtures / "../../../data/conll2003/train.txt").string(), NerTags::required);
  const NerExamples examples =
      make_ner_examples(data, system->tokenizer(), &system->labels(), {128, system->protocol()});
  NerTraining task(*system, ExampleStore());
  system->allocate(backend, Parameters::Use::training, DType::float32, 1);
  fill_head(system->parameters(), "classifier");
  follow_reference(reference, system->parameters(), 1e-4, 5, [&](Context& context, size_t step) {
    const HostBatch batch = pack_ner(backend, examples.examples, batch_of_step(step, 16));
    return std::pair(task.losses(context, Batch(backend, batch))[0], batch.weights[0]);
  });
}

TEST_CASE("fine-tuning a classifier follows PyTorch's losses and gradient norms step by step") {
  const std::filesystem::path fixtures = shared_folder("formats/fixtures/training_reference");
  const std::string folder = minilm();
  if (folder.empty() || fixtures.empty()) return;
  Backend& backend = find_backend("CPU");
  const Vocab vocab = Vocab::load(folder + "/vocab.txt");
  const Tokenizer tokenizer(vocab);
  const ClassificationData data = read_classification((fixtures / "../../../data/mrpc/train.tsv").string(),
                                                      classification_form("mrpc"), ClassLabelUse::required);
  const ClassLabels labels(classification_form("mrpc").labels);
  const auto examples = make_classification_examples(data, tokenizer, &labels, 128).examples;
  const ClassifierHeadConfig head{
      .classes = 2, .problem = ProblemType::single_label, .dropout = 0, .class_weights = {}};
  Pretrained<ClassifierModel> trained(backend, folder, "classifier", head);
  const Json reference = json_of(file_content(fixtures / "mrpc_classifier.json"));
  follow_reference(reference, trained.parameters, 5e-5, 4, [&](Context& context, size_t step) {
    const HostBatch batch = pack_classifier(backend, examples, batch_of_step(step, 8), head);
    return std::pair(trained.model.loss(context, classifier_batch(Batch(backend, batch), head.problem)),
                     batch.weights[0]);
  });
}

TEST_CASE("fine-tuning on questions follows PyTorch's losses and gradient norms step by step") {
  const std::filesystem::path fixtures = shared_folder("formats/fixtures/training_reference");
  const std::string folder = minilm();
  if (folder.empty() || fixtures.empty()) return;
  const Json reference = json_of(file_content(fixtures / "squad.json"));
  const size_t questions = 4 * reference["losses"].size();
  Backend& backend = find_backend("CPU");
  const Vocab vocab = Vocab::load(folder + "/vocab.txt");
  const Tokenizer tokenizer(vocab);
  SquadData data = read_squad((fixtures / "../../../data/squad/train_part2.json.gz").string());
  data.questions.resize(questions);
  SquadFeaturizer featurizer(data, tokenizer, {}, SquadUse::training, 2);
  REQUIRE(featurizer.questions().size() == questions);  // every answer was found
  const std::vector<SquadFeature> features = first_windows(featurizer, questions);
  Pretrained<SquadModel> trained(backend, folder, "qa_outputs");
  follow_reference(reference, trained.parameters, 1e-4, 3, [&](Context& context, size_t step) {
    const HostBatch batch = pack_squad(backend, features, batch_of_step(step, 4));
    return std::pair(trained.model.loss(context, squad_batch(Batch(backend, batch))), batch.weights[0]);
  });
}
