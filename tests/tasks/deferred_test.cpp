// Training and prediction of every task on a backend that only queues: the same bits as on the backend under it, and the
// host never waits inside a step. The same again on one that captures the calls and replays them. Where that one is another than the CPU's: much the same losses as there.
#include <doctest/doctest.h>

#include <cmath>

#include "core/joined.h"
#include "data/batcher.h"
#include "tasks/classifier/evaluation.h"
#include "tasks/classifier/training.h"
#include "tasks/ner/input.h"
#include "tasks/ner/tagger.h"
#include "tasks/ner/training.h"
#include "tasks/pretraining/evaluation.h"
#include "tasks/pretraining/training.h"
#include "tasks/squad/evaluation.h"
#include "tasks/squad/training.h"
#include "tests/backends_under_test.h"
#include "tests/deferred_backend.h"
#include "tests/tasks/tiny_classifier.h"
#include "tests/tasks/tiny_ner.h"
#include "tests/tasks/tiny_pretraining.h"
#include "tests/tasks/tiny_squad.h"
#include "tests/tasks/train_on.h"

using namespace gradus;

namespace {

constexpr int64_t steps = is_sanitized ? 3 : 10;

// Two batches a step, no evaluation before the end.
const Words short_training{"--max_steps=" + std::to_string(steps), "--gradient_accumulation_steps=2",
                           "--eval_steps=1000", "--dropout=0.2"};

// What a run ends with, and how often the host has waited for it.
struct Result {
  std::vector<float> parameters;
  std::vector<double> losses;
  std::vector<double> predictions;
  int64_t training_waits = 0, idle_waits = 0;  // the latter for the latest that was asked for
  int64_t prediction_waits = 0, batches = 0;
};

// Trains on `backend`, which is `queue` or what it queues for, then predicts by `predict(result)`.
template <typename Predict>
Result train_and_predict(Backend& backend, const DeferredBackend& queue, const FineTuneOptions& options,
                         TaskSystem& system, FineTuning& task, Predict&& predict) {
  Result result;
  const int64_t waits = queue.waits(), idle_waits = queue.idle_waits();
  const TrainResult trained = train_on(backend, options, system, task);
  result.training_waits = queue.waits() - waits;
  result.idle_waits = queue.idle_waits() - idle_waits;
  result.losses = trained.history.losses.points();
  CHECK(trained.steps == steps);

  const int64_t before = queue.waits();
  predict(result);
  result.prediction_waits = queue.waits() - before;
  result.parameters = system.parameters().values().to_host();
  return result;
}

// A number type as options, and how far its losses may lie from those of the CPU backend, relative: in the same type, or where that has
// not got it in float32.
struct Numbers {
  DType dtype;
  Words options;
  double tolerance;
};
const Numbers number_types[] = {
    {DType::float32, {"--compute_type=fp32"}, 1e-4},
    {DType::bfloat16, {"--compute_type=bf16"}, 2e-2},
    // With a scale that keeps small gradients and overflows nowhere: a step that is skipped learns nothing.
    {DType::float16, {"--compute_type=fp16", "--enable_lossscale", "--loss_scale_value=128"}, 2e-2}};

void check_losses(const std::vector<double>& losses, const std::vector<double>& expected, double tolerance) {
  REQUIRE(losses.size() == expected.size());
  for (size_t i = 0; i < losses.size(); ++i)
    CHECK_MESSAGE(std::abs(losses[i] - expected[i]) < tolerance * std::abs(expected[i]),
                  fmt::format("loss {}: {}, expected {}", i, losses[i], expected[i]));
}

// Calls run(backend, queue) on the backend under test and on one that queues for it, in every number type, and compares.
// Others under test give the first one's bits.
// `waits_to_check`: for what is looked at once before all batches of a prediction. `in_float16`: in that type too, whose kernels are those
// of bfloat16 with other conversions.
template <typename Run>
void check_deferred(int64_t waits_to_check, bool in_float16, Run&& run) {
  Backend &cpu = find_backend("CPU"), &base = backend_under_test();
  for (const auto& [dtype, type, tolerance] : number_types) {
    if (!base.unsupported(dtype).empty() || (dtype == DType::float16 && !in_float16)) continue;
    // On a device that is emulated this takes a sanitizer minutes, which has seen each kernel in all types in the op table.
    if (is_sanitized && &base != &cpu && dtype != DType::float32) continue;
    CAPTURE(name_of(dtype));
    // It lives as long as tensors that models keep.
    static auto &queue = *new DeferredBackend(base), &capturing = *new DeferredBackend(base, true);
    const Result expected = run(base, queue, type);
    const Result result = run(queue, queue, type);
    const int64_t captured = capturing.captured(), replayed = capturing.replayed();
    const Result replay = run(capturing, capturing, type);
    CHECK(expected.training_waits + expected.prediction_waits == 0);
    for (Backend* other : dtype == DType::float32 ? other_backends_under_test() : std::vector<Backend*>()) {
      const Result same = run(*other, queue, type);
      CHECK(same.losses == expected.losses);
      CHECK(same.parameters == expected.parameters);
      CHECK(same.predictions == expected.predictions);
    }
    REQUIRE(expected.losses.size() == steps);
    if (&base != &cpu)
      check_losses(expected.losses,
                   run(cpu, queue, cpu.unsupported(dtype).empty() ? type : number_types[0].options).losses,
                   tolerance);
    CHECK(result.losses == expected.losses);
    CHECK(result.parameters == expected.parameters);
    REQUIRE(!expected.predictions.empty());
    CHECK(result.predictions == expected.predictions);
    CHECK(replay.losses == expected.losses);
    CHECK(replay.parameters == expected.parameters);
    CHECK(replay.predictions == expected.predictions);
    CHECK(replay.idle_waits == result.idle_waits);
    CHECK(replay.prediction_waits == result.prediction_waits);
    // A graph's first replay is of the batch that it was captured with. In three steps a form of batches may come no third time.
    const int64_t graphs = capturing.captured() - captured, replays = capturing.replayed() - replayed;
    CHECK(graphs > 0);
    CHECK(replays >= graphs + (steps < 10 ? 0 : 1));
    // A step is looked at when the next one is on its way. Only after the last one there is nothing left to do: it is waited
    // for, and then the weights and the optimizer's two states are checked, one after the other.
    CHECK(result.training_waits - result.idle_waits == steps - 1);
    CHECK(result.idle_waits == 4);
    CHECK(result.batches > 1);
    CHECK(result.prediction_waits == result.batches + waits_to_check);
  }
}

int64_t batches_of(std::vector<int32_t> lengths, const FineTuneOptions& options) {
  return std::ssize(
      evaluation_batches(lengths, options.train.eval_batch_size, options.eval_pad == "grouped"));
}

}  // namespace

TEST_CASE(
    "tagger, with every head and kind of positions: the bits of a queue are those of the backend under it, "
    "without a wait in a step") {
  const TinyNer tiny;
  for (const Words& head : {Words{},
                            {"--use_crf"},
                            {"--with_lstm"},
                            {"--use_crf", "--with_lstm", "--crf_constraints"},
                            {"--relative_positions=trained"},
                            {"--relative_positions=sinusoid"}}) {
    CAPTURE(joined(head, " ").str());
    const bool crf = !head.empty() && head[0] == "--use_crf";
    check_deferred(crf ? 3 : 0, head.empty(),
                   [&](Backend& backend, const DeferredBackend& queue, const Words& type) {
                     Words more = short_training;
                     more.insert(more.end(), head.begin(), head.end());
                     more.insert(more.end(), type.begin(), type.end());
                     more.insert(more.end(), {"--eval_batch_size=5"});
                     const auto options = options_of<NerOptions>("run_ner", tiny.training(), more);
                     NerInputs inputs = read_ner_inputs(options);
                     const auto system =
                         NerSystem::create(options, ner_labels(options, inputs), std::move(inputs.vocab));
                     complete_ner_inputs(options, *system, inputs, nullptr);
                     NerTraining task(*system, ExampleStore());
                     add_training_data(options, *system, *inputs.train, task);
                     const NerTagger tagger(backend, *system,
                                            {.batch_size = 5,
                                             .group_lengths = true,
                                             .seq_length = 24,
                                             .compute_type = options.device.dtype()});
                     return train_and_predict(backend, queue, options, *system, task, [&](Result& result) {
                       const NerExamples examples = tagger.examples(inputs.dev->data);
                       std::vector<int32_t> lengths;
                       for (const NerExample& example : examples.examples)
                         lengths.push_back(static_cast<int32_t>(example.input_ids.size()));
                       result.batches = batches_of(lengths, options);
                       for (const auto& tags : tagger.predict(inputs.dev->data, examples.examples))
                         result.predictions.insert(result.predictions.end(), tags.begin(), tags.end());
                     });
                   });
  }
}

TEST_CASE("classifier, of classes with and without weights and of scores: the bits of a queue") {
  const TinyClassifier tiny;
  const std::string data = tiny.write("scores.txt", scored_texts);
  const Words weighted{"--class_weights=1,3"};
  const Words scores{"--assessment_method=spearman", "--train_data_file_path=" + data,
                     "--eval_data_file_path=" + data};
  for (const Words& kind : {Words{}, weighted, scores}) {
    check_deferred(0, false, [&](Backend& backend, const DeferredBackend& queue, const Words& type) {
      Words more = short_training;
      more.insert(more.end(), kind.begin(), kind.end());
      more.insert(more.end(), type.begin(), type.end());
      more.insert(more.end(), {"--eval_batch_size=5"});
      const auto options = options_of<ClassifierOptions>("run_classifier", tiny.training(), more);
      ClassifierInputs inputs = read_classifier_texts(options, options.problem());
      std::optional<ClassLabels> labels;
      if (options.problem() != ProblemType::regression) labels = classifier_labels(options, inputs);
      const auto system = ClassifierSystem::create(options, labels);
      complete_classifier_inputs(options, *system, inputs, nullptr);
      ClassifierTraining task(*system, ExampleStore());
      add_training_data(options, *system, *inputs.train, task);
      const ClassifierPredictor predictor(backend, *system, {5, true, options.device.dtype()});
      return train_and_predict(backend, queue, options, *system, task, [&](Result& result) {
        std::vector<int32_t> lengths;
        for (const ClassificationExample& example : inputs.dev->examples)
          lengths.push_back(static_cast<int32_t>(example.input_ids.size()));
        result.batches = batches_of(lengths, options);
        result.predictions = predictor.run(inputs.dev->examples, [](size_t) { return std::string(); });
      });
    });
  }
}

TEST_CASE("questions: the bits of a queue") {
  const TinySquad tiny;
  check_deferred(0, true, [&](Backend& backend, const DeferredBackend& queue, const Words& type) {
    Words more = short_training;
    more.insert(more.end(), type.begin(), type.end());
    more.insert(more.end(), {"--eval_batch_size=3", "--max_query_length=8"});
    const auto options = options_of<SquadDriverOptions>("run_squad", tiny.training(), more);
    const auto system = SquadSystem::create(options);
    SquadTraining task(*system, ExampleStore());
    read_squad_training(options, *system, task, nullptr);
    const SquadQuestions questions(read_squad(options.eval_data_file_path), *system, options);
    const SquadAnswerer answerer(backend, *system, options, false);
    return train_and_predict(backend, queue, options, *system, task, [&](Result& result) {
      std::vector<int32_t> lengths;
      for (const SquadFeature& feature : questions.features())
        lengths.push_back(static_cast<int32_t>(feature.window.input_ids.size()));
      result.batches = batches_of(lengths, options);
      for (const SquadPrediction& prediction : answerer.run(questions)) {
        result.predictions.push_back(prediction.null_odds);
        for (const AnswerCandidate& best : prediction.n_best) result.predictions.push_back(best.probability);
      }
    });
  });
}

TEST_CASE("pretraining, with a loss scale and without: the bits of a queue") {
  const TinyPretraining tiny;
  for (const Words& scaling : {Words{}, {"--enable_lossscale", "--scale_window=2"}}) {
    check_deferred(
        0, !scaling.empty(), [&](Backend& backend, const DeferredBackend& queue, const Words& type) {
          Words more = short_training;
          more.insert(more.end(), scaling.begin(), scaling.end());
          more.insert(more.end(), type.begin(), type.end());
          more.insert(more.end(), {"--eval_batch_size=3"});
          const auto options =
              options_of<PretrainOptions>("run_pretrain", tiny.training_on("train.mindrecord"), more);
          const auto system = PretrainSystem::open(options);
          PretrainTraining task(*system, ExampleStore());
          task.train_on_data(options);
          const PretrainSet set = read_pretrain_set(options, *system);
          PretrainEvaluation evaluation(backend, *system, options, set);
          return train_and_predict(backend, queue, options, *system, task, [&](Result& result) {
            std::vector<int32_t> lengths;
            for (const PretrainingExample& example : set.examples)
              lengths.push_back(static_cast<int32_t>(example.input_ids.size()));
            result.batches = batches_of(lengths, options);
            for (const auto& [name, value] : evaluation.run().scores) result.predictions.push_back(value);
          });
        });
  }
}

TEST_CASE("a wait that something is still missing for is seen") {
  DeferredBackend queue(backend_under_test());
  const std::vector<float> values{1, 2, 3};
  {
    const Tensor x = Tensor::from(queue, {3}, values);
    const Tensor y = Tensor::empty(queue, {3});
    queue.add_forward({x, x, y});
    CHECK(queue.waits() == 0);
    const auto early = queue.begin_copy_to_host(y);
    queue.add_forward({y, x, y});
    CHECK(early->wait_for<float>()[2] == 6);  // not 9: what came after is still to run
    CHECK(queue.waits() == 1);
    CHECK(queue.idle_waits() == 0);
    CHECK(y.to_host() == std::vector<float>{3, 6, 9});
    CHECK(queue.waits() == 2);
    CHECK(queue.idle_waits() == 1);
    CHECK(y.to_host()[0] == 3);  // nothing was left to run
    CHECK(queue.waits() == 2);
  }
}
