// Exported models in place of networks: the same batches give the same numbers. The file is run by the plain loops of
// tests/nn/onnx_run.cpp; onnx_runtimes_test.cpp has other programs' libraries.
#include <doctest/doctest.h>

#include <cmath>

#include "data/batcher.h"
#include "tasks/classifier/batch.h"
#include "tasks/classifier/system.h"
#include "tasks/ner/batch.h"
#include "tasks/ner/system.h"
#include "tasks/squad/batch.h"
#include "tasks/squad/system.h"
#include "tests/files.h"
#include "tests/nn/onnx_file.h"
#include "tests/tasks/tiny_classifier.h"
#include "tests/tasks/tiny_ner.h"
#include "tests/tasks/tiny_squad.h"

using namespace gradus;

namespace {

// A file, run by plain loops.
class PlainSession final : public OnnxSession {
 public:
  explicit PlainSession(const std::string& path) : model_(onnx_file::read(path)) {}
  std::string description() const override { return "plain loops"; }
  std::map<std::string, OnnxTensor> run(const std::map<std::string, OnnxTensor>& inputs,
                                        const std::vector<std::string>& outputs) override {
    std::map<std::string, onnx_file::Tensor> given;
    for (const auto& [name, tensor] : inputs)
      given[name] = {tensor.dims, {tensor.integers.begin(), tensor.integers.end()}};
    const auto found = onnx_file::run(model_.graph, given);
    std::map<std::string, OnnxTensor> results;
    for (const std::string& name : outputs) {
      const onnx_file::Tensor& tensor = found.at(name);
      OnnxTensor& result = results[name];
      result.dims = tensor.dims;
      if (name == "tags") result.integers.assign(tensor.values.begin(), tensor.values.end());
      else
        for (const double value : tensor.values) result.floats.push_back(static_cast<float>(value));
    }
    return results;
  }

 private:
  onnx_file::Model model_;
};

Backend& cpu() { return find_backend("CPU"); }

// Exports a model in the forms that decide how it is run, and hands each over.
template <typename F>
void for_forms(const TinyTask& tiny, const std::string& model, const Words& more,
               const std::vector<std::string>& tasks, F&& f) {
  int number = 0;
  for (const Words& form : {Words{}, Words{"--export_batch_size=2", "--seq_length=12"}}) {
    const std::string path = tiny.path("exported/" + std::to_string(++number) + ".onnx");
    const Outcome outcome = run_program("export", joined(joined({"--load_finetune_checkpoint_path=" + model,
                                                                 "--export_file_name=" + path, "--overwrite"},
                                                                form),
                                                         more));
    REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
    f(ExportedRun(onnx::read_header(path), std::make_unique<PlainSession>(path), tasks, 12));
  }
}

template <typename System, typename Options>
std::unique_ptr<System> load(const std::string& model) {
  Options options;
  options.load_finetune_checkpoint_path = model;
  auto system = System::load(options);
  system->allocate(cpu(), Parameters::Use::evaluation, DType::float32, 0, nullptr);
  return system;
}

void check_close(const Tensor& found, const Tensor& expected, int64_t rows) {
  REQUIRE(found.shape() == expected.shape());
  const std::vector<float> a = found.to_host(), b = expected.to_host();
  const auto count = static_cast<size_t>(rows * expected.shape().last());
  for (size_t i = 0; i < count; ++i) CHECK(std::abs(a[i] - b[i]) < 1e-4F * (1 + std::abs(b[i])));
}

}  // namespace

TEST_CASE("an exported tagger gives the scores and tags of its network, decoded in the file or here") {
  const TinyNer tiny;
  int number = 0;
  for (const Words& head :
       {Words{}, Words{"--use_crf", "--crf_constraints"}, Words{"--use_crf", "--with_lstm"}}) {
    const std::string save = tiny.path("save" + std::to_string(++number));
    tiny.print(tiny.training(
        joined(head, {"--epoch_num=10", "--learning_rate=1e-2", "--save_finetune_checkpoint_path=" + save})));
    const auto system = load<NerSystem, NerOptions>(save);
    std::vector<NerExample> examples(5);
    for (size_t i = 0; i < examples.size(); ++i) {
      for (size_t t = 0; t < 4 + 2 * i; ++t)
        examples[i].input_ids.push_back(static_cast<int32_t>(5 + (3 * t + i) % 20));
      for (size_t t = 1; t + 1 < examples[i].input_ids.size(); t += i == 2 ? 3 : 1)
        examples[i].first_pieces.push_back(static_cast<int32_t>(t));
    }
    const HostBatch host = pack_ner(cpu(), examples, numbers_below(std::ssize(examples)));
    const Batch batch(cpu(), host);
    const NerBatch ner = ner_batch(batch);
    Context context;
    const Tensor scores = system->model().emissions(context, ner).value();
    const std::vector<int32_t> tags = system->model().decode(scores, ner).to_host_int();
    const int64_t words = ner.word_packing.offsets.to_host_int().back();
    const bool has_crf = !head.empty();
    for (const Words& decoding : has_crf ? std::vector<Words>{{}, {"--viterbi"}} : std::vector<Words>{{}}) {
      for_forms(tiny, save, decoding, {"ner"}, [&](const ExportedRun& run) {
        const std::vector<Tensor> found = run.forward(batch);
        REQUIRE(found.size() == 2);
        check_close(found[0], scores, words);
        const std::vector<int32_t> best = found[1].to_host_int();
        CHECK(std::equal(tags.begin(), tags.begin() + words, best.begin()));
      });
    }
  }
}

TEST_CASE("exported classifiers and models of answers give the logits of their networks") {
  const TinyClassifier classes;
  std::vector<ClassificationExample> examples(3);
  std::vector<SquadFeature> features(3);
  for (size_t i = 0; i < examples.size(); ++i) {
    for (size_t t = 0; t < 5 + 3 * i; ++t)
      examples[i].input_ids.push_back(static_cast<int32_t>(2 + (2 * t + i) % 11));
    features[i].window.input_ids = examples[i].input_ids;
    features[i].window.context_begin = 2;
  }
  Context context;
  for (const auto& [classifier, task] : {std::pair{classes.train_best(), "classification"},
                                         {classes.train_labels(), "multi_label_classification"}}) {
    CAPTURE(task);
    const auto system = load<ClassifierSystem, ClassifierOptions>(classifier);
    const HostBatch host = pack_classifier(cpu(), examples, numbers_below(3), system->head());
    const Batch batch(cpu(), host);
    const Tensor logits = system->model().logits(context, classifier_batch(batch, system->problem())).value();
    for_forms(classes, classifier, {}, {task},
              [&](const ExportedRun& run) { check_close(run.forward(batch).at(0), logits, 3); });
  }

  const TinySquad questions;
  questions.print(questions.learning("train.txt", 1));
  const auto answers = load<SquadSystem, SquadDriverOptions>(questions.path("save"));
  const HostBatch squad_host = pack_squad(cpu(), features, numbers_below(3));
  const Batch squad(cpu(), squad_host);
  const Tensor spans = answers->model().logits(context, squad_batch(squad)).value();
  for_forms(questions, questions.path("save"), {}, {"question_answering"},
            [&](const ExportedRun& run) { check_close(run.forward(squad).at(0), spans, squad_host.tokens); });
}

TEST_CASE("what an exported file is not for is said before it is run") {
  const TinyNer tiny;
  tiny.print(tiny.training({"--max_steps=1"}));
  const std::string file = tiny.path("out/names.onnx");
  REQUIRE(run_program("export", {"--load_finetune_checkpoint_path=" + tiny.path("save"),
                                 "--export_file_name=" + file, "--seq_length=10"})
              .status == 0);
  const auto opened = [&](const std::vector<std::string>& tasks, int64_t seq_length) {
    return error_of([&] { ExportedRun(onnx::read_header(file), nullptr, tasks, seq_length); });
  };
  CHECK(opened({"ner"}, 10).empty());
  CHECK(contains(opened({"ner"}, 11), "--seq_length 11: the texts of " + file + " have 10 tokens"));
  CHECK(contains(opened({"classification", "regression"}, 10),
                 "a model for the task ner, expected classification or regression"));
  CHECK(contains(error_of([&] { onnx::read_header(tiny.path("vocab.txt")); }), "vocab.txt: byte"));
  CHECK(contains(error_of([&] { onnx::parse_header("", "x.onnx"); }),
                 "x.onnx: no graph: this is no ONNX file"));

  tiny.refuse(tiny.scoring("", {"--exported_file=" + file, "--load_finetune_checkpoint_path=", "--do_train"}),
              "what was exported can't be trained");
  const auto refuse = [&](const Words& flags, const std::string& text) {
    const Outcome outcome = run_program("run_eval_onnx", flags);
    CHECK(outcome.status == 2);
    CHECK_MESSAGE(contains(outcome.err, text), outcome.err);
  };
  refuse({}, "--export_file_name is missing");
  refuse({"--export_file_name", file}, "--eval_data_file_path is missing");
  refuse({"--export_file_name", tiny.path("out/none"), "--eval_data_file_path=x"}, "out/none.onnx");
}
