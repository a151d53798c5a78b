// run_classifier: trains, scores and uses a model that tells classes of text apart, or gives scores.
#include <cstdio>
#include <filesystem>

#include "core/files.h"
#include "tasks/classifier/predict.h"
#include "tasks/classifier/report.h"
#include "tasks/classifier/training.h"
#include "tasks/driver.h"
#include "tasks/main.h"
#include "tasks/progress.h"

using namespace gradus;

namespace {

constexpr const char* purpose =
    R"(Trains, scores and uses a model that tells classes of texts, or of pairs of texts, apart, or gives them scores: BERT with
a linear map of its pooled first token.)";
constexpr const char* example =
    R"(run_classifier --do_train --do_eval --task_name mrpc --load_pretrain_checkpoint_path model/ \
          --train_data_file_path train.tsv --eval_data_file_path dev.tsv --learning_rate 5e-5
  run_classifier --do_predict --load_finetune_checkpoint_path classifier_finetune/ckpt/best < texts.txt)";

// The classifier to train: a new one, or a trained one to train further.
std::unique_ptr<ClassifierSystem> make_system(const ClassifierOptions& options,
                                              const ClassifierInputs& inputs) {
  std::optional<ClassLabels> labels;
  if (!options.learns_scores()) labels = classifier_labels(options, inputs);
  return ClassifierSystem::create(options, labels);
}

TrainResult train(Backend& backend, const ClassifierOptions& options, ClassifierSystem& system,
                  const ClassifierSet& set, ClassifierEvaluation* evaluation, RunMetrics& metrics) {
  ClassifierTraining task(backend, system, set, evaluation);
  fmt::print("training data: {}\n", set.counts.str());
  if (system.labels()) fmt::print("labels: {}\n", fmt::join(system.labels()->names(), ", "));
  return run_training(backend, options, system, task, "examples", metrics);
}

// Writes a result file when there is a folder for them.
void write_result(const ClassifierOptions& options, const char* name, const std::string& text) {
  if (options.output_dir.empty()) return;
  std::filesystem::create_directories(options.output_dir);
  replace_file(std::filesystem::path(options.output_dir) / name, text);
}

// Training has scored the final weights already, unless there was nothing left to train.
void evaluate(const ClassifierOptions& options, const ClassifierSystem& system,
              ClassifierEvaluation& evaluation, RunMetrics& metrics) {
  const ClassifierReport& report = evaluation.current();
  for (const auto& [name, value] : report.scores) metrics.scores[name == "loss" ? "eval_loss" : name] = value;
  metrics.scores["eval_examples_per_second"] = report.examples_per_second;
  write_result(options, "eval_results.txt", results_text(report.scores, metrics.steps));
  if (options.train.json) {
    fmt::print("{}\n", to_json_line(report.scores));
    return;
  }
  fmt::print("evaluation data: {}; {:.1f} examples/s\n{}\n{}{}\n", evaluation.set().counts.str(),
             report.examples_per_second, rule_line(), report.text, rule_line());
  if (report.confusion) fmt::print("{}", describe(*report.confusion, *system.labels()));
}

void predict(const ClassifierOptions& options, const ClassifierSystem& system,
             const ClassifierPredictor& predictor) {
  const std::string& path = options.predict_data_file_path;
  std::vector<double> outputs;
  if (path != "-" && system.settings().task_name != "tsv") {
    outputs = predict_file(system, predictor, options.seq_length, path, options.train.json, stdout);
  } else {
    read_predict_data(options, [&](std::istream& in, const std::string& name) {
      outputs = predict_lines(system, predictor, options.seq_length, in, name, options.train.json, stdout);
    });
  }
  write_result(options, "test_results.tsv", results_table(outputs, predictor.width()));
}

int run(int argc, char** argv) {
  ClassifierOptions options;
  Options flags("run_classifier", purpose, example);
  options.declare(flags);
  if (!flags.parse(argc, argv)) return 0;
  options.finish(flags);
  std::unique_ptr<ClassifierSystem> system;
  if (!options.makes_head()) {
    system = ClassifierSystem::load(options);
    options.take(system->settings().task_name, system->settings().regression, flags);
  }
  Backend& backend = begin_run(flags, options);

  RunMetrics metrics;
  ClassifierInputs inputs =
      read_classifier_texts(options, system ? system->settings().regression : options.learns_scores());
  if (!system) system = make_system(options, inputs);
  system->check_sequence_length(options.seq_length);
  complete_classifier_inputs(options, *system, inputs, log_of(options));
  const ClassifierPredictor predictor(
      backend, *system,
      {options.train.eval_batch_size, options.eval_pad == "grouped", options.device.dtype()});
  std::optional<ClassifierEvaluation> evaluation;
  if (inputs.dev) evaluation.emplace(predictor, *system, *inputs.dev, options.assessment_method);
  FinishedRun finished{flags, options, backend, "examples"};
  if (options.train.do_train) {
    finished.training_data = inputs.train->counts.str();
    finished.training =
        train(backend, options, *system, *inputs.train, evaluation ? &*evaluation : nullptr, metrics);
  } else {
    load_weights(backend, options, *system);
  }
  if (options.train.do_eval) evaluate(options, *system, *evaluation, metrics);
  if (!options.train.report.empty())
    write_report(options.train.report,
                 classifier_report(finished, *system, evaluation ? &*evaluation : nullptr));
  if (options.train.do_predict) predict(options, *system, predictor);
  end_run(options, metrics);
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return run_main(argc, argv, run); }
