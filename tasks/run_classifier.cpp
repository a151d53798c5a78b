// run_classifier: trains, scores and uses a model that tells classes of text apart, or gives scores.
#include <cstdio>
#include <filesystem>

#include "core/io/files.h"
#include "core/joined.h"
#include "tasks/classifier/predict.h"
#include "tasks/classifier/report.h"
#include "tasks/classifier/training.h"
#include "tasks/driver.h"
#include "tasks/log/progress.h"
#include "tasks/task_main.h"
#include "tasks/training/training_data.h"

using namespace gradus;

namespace {

constexpr TaskProgram program{
    "run_classifier",
    R"(Trains, scores and uses a model that tells classes of texts, or of pairs of texts, apart, or gives them any number of
labels, or scores: BERT with a linear map of its pooled first token.)",
    R"(run_classifier --do_train --do_eval --task_name mrpc --load_pretrain_checkpoint_path model/ \
          --train_data_file_path train.tsv --eval_data_file_path dev.tsv --learning_rate 5e-5
  run_classifier --do_train --class_weights balanced --load_pretrain_checkpoint_path model/ \
          --train_data_file_path texts_and_labels.tsv
  run_classifier --do_train --do_eval --label_columns toxic,insult,threat --tune_thresholds \
          --load_pretrain_checkpoint_path model/ --train_data_file_path train.csv --eval_data_file_path dev.csv
  run_classifier --do_predict --load_finetune_checkpoint_path classifier_finetune/ckpt/best < texts.txt)"};

// The classifier to train: a new one, or a trained one to train further.
std::unique_ptr<ClassifierSystem> make_system(const ClassifierOptions& options,
                                              const ClassifierInputs& inputs) {
  std::optional<ClassLabels> labels;
  if (options.problem() != ProblemType::regression) labels = classifier_labels(options, inputs);
  return ClassifierSystem::create(options, labels);
}

void train(FinishedRun& run, const ClassifierOptions& options, ClassifierSystem& system, ClassifierSet& set,
           Evaluation* evaluation, RunMetrics& metrics) {
  ClassifierTraining task(system, example_store(options));
  if (evaluation != nullptr) task.score_by(*evaluation);
  end_training_data(run, task, add_training_data(options, system, set, task));
  if (system.labels()) print_log(log_of(options), "labels: {}\n", joined(system.labels()->names(), ", "));
  run_training(run, system, task, metrics);
}

constexpr const char* scores_file = "eval_results.txt";
constexpr const char* predictions_file = "test_results.tsv";

// Asked before the work: whether the result files can be written.
void check_results(const ClassifierOptions& options) {
  std::vector<std::string> files;
  if (options.train.do_eval) files.emplace_back(scores_file);
  if (options.train.do_predict) files.emplace_back(predictions_file);
  check_results_folder(options, options.output_dir, files);
}

void write_result(const ClassifierOptions& options, const char* name, const std::string& text) {
  if (!options.output_dir.empty()) replace_file(std::filesystem::path(options.output_dir) / name, text);
}

// The scores by which the data set is judged, where these are several: "accuracy 86.03, f1 90.21".
std::string all_measures(const ClassificationForm& form, const Scores& scores) {
  std::string text;
  for (const std::string_view measure : form.measures) {
    for (const auto& [name, value] : scores) {
      if (name == measure) text += fmt::format("{}{} {:.2f}", text.empty() ? "" : ", ", name, value);
    }
  }
  return form.measures.size() > 1 ? text + "\n" : "";
}

void evaluate(const FinishedRun& run, const ClassifierOptions& options, const ClassifierSystem& system,
              ClassifierEvaluation& evaluation, RunMetrics& metrics) {
  const ClassifierReport& report = evaluation.current();
  const int64_t steps = options.train.do_train ? metrics.steps : system.trained_steps();
  write_result(options, scores_file, results_text(report.scores, steps));
  const std::string text =
      between_rules(report.text) + all_measures(options.form(), report.scores) + evaluation.description();
  tell_scores(run, evaluation, text, metrics);
}

// Returns the exit status.
int predict(const ClassifierOptions& options, const ClassifierSystem& system,
            const ClassifierPredictor& predictor) {
  const std::string& path = options.predict_data_file_path;
  const ClassifierPredictForm form = parse_predict_form(options.predict_form, options.train.json);
  int status = 0;
  ClassifierWriter writer(system, predictor, {options.seq_length, form, !options.output_dir.empty(), stdout});
  const bool is_named =
      options.task_name != "tsv" || !options.columns.text_column.empty() || options.predicts_rows();
  if (path != "-" && (is_named || is_classification_table(path))) {
    ClassificationColumns columns = options.columns.columns();
    columns.usual = system.settings().columns;
    writer.write_file(path, options.form(), columns);
  } else {
    read_predict_data(
        options, [&](std::istream& in, const std::string& name) { status = writer.write_lines(in, name); });
  }
  write_result(options, predictions_file, writer.table());
  return status;
}

int run(Options& flags, ClassifierOptions& options) {
  const auto folders = begin_outputs(options, options.output_dir);
  std::unique_ptr<ClassifierSystem> system;
  if (!options.makes_head()) {
    system = ClassifierSystem::load(options);
    options.take(system->settings().task_name, system->problem(), system->settings().label_separator, flags);
  }
  Backend& backend = begin_run(flags, options);

  RunMetrics metrics;
  ClassifierInputs inputs =
      read_classifier_texts(options, system ? system->problem() : options.problem(),
                            system ? system->settings().columns : ClassificationColumnNames());
  if (!system) system = make_system(options, inputs);
  system->check_sequence_length(options.seq_length);
  complete_classifier_inputs(options, *system, inputs, log_of(options));
  check_results(options);
  const ClassifierPredictor predictor(backend, *system, ClassifierRunOptions::of(options));
  std::optional<ClassifierEvaluation> evaluation;
  if (inputs.dev)
    evaluation.emplace(predictor, *system, *inputs.dev, options.assessment_method, options.tune_thresholds);
  ClassifierEvaluation* const scores = evaluation ? &*evaluation : nullptr;
  FinishedRun finished{flags, options, backend, "examples"};
  if (options.train.do_train) {
    train(finished, options, *system, *inputs.train, scores, metrics);
  } else {
    load_weights(finished, *system, scores);
  }
  if (options.train.do_eval) evaluate(finished, options, *system, *evaluation, metrics);
  if (!options.train.report.empty()) save_report(options, classifier_report(finished, *system, scores));
  const int status = options.train.do_predict ? predict(options, *system, predictor) : 0;
  end_run(finished, metrics);
  return status;
}

}  // namespace

int main(int argc, char** argv) { return task_main(program, argc, argv, run); }
