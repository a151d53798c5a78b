// run_squad: trains, scores and uses a model that finds the answers to questions in a text.
#include <cstdio>
#include <filesystem>

#include "core/io/files.h"
#include "tasks/driver.h"
#include "tasks/log/phase.h"
#include "tasks/log/progress.h"
#include "tasks/squad/predict.h"
#include "tasks/squad/report.h"
#include "tasks/squad/training.h"
#include "tasks/task_main.h"
#include "tasks/training/training_data.h"

using namespace gradus;

namespace {

constexpr TaskProgram program{
    "run_squad",
    R"(Trains, scores and uses a model that finds the answers to questions in a text: BERT with a linear map that scores each
token as an answer's first and last. Data have the form of SQuAD 1.1 or 2.0, or are JSON rows or CSV with
a question each.)",
    R"(run_squad --do_train --do_eval --load_pretrain_checkpoint_path model/ --train_data_file_path train-v1.1.json \
          --eval_data_file_path dev-v1.1.json --learning_rate 1e-4 --epoch_num 2
  printf 'Anna lives in Alden.\nWhere does Anna live?\n' | run_squad --do_predict \
          --load_finetune_checkpoint_path squad_finetune/ckpt/best)"};

// The answers to the evaluation data are predictions.json and so on. Those to new questions are too, unless both are
// asked for.
std::string prefix_of_new(const SquadDriverOptions& options) { return options.train.do_eval ? "test_" : ""; }

void write_predictions(const SquadDriverOptions& options, const std::string& prefix,
                       const SquadPredictions& predictions, bool version_2) {
  if (options.output_dir.empty()) return;
  const std::filesystem::path folder = options.output_dir;
  replace_file(folder / (prefix + "predictions.json"), predictions_json(predictions));
  replace_file(folder / (prefix + "nbest_predictions.json"), nbest_predictions_json(predictions));
  const std::filesystem::path odds = folder / (prefix + "null_odds.json");
  if (version_2) replace_file(odds, null_odds_json(predictions));
  else if (std::filesystem::remove(odds))
    print_log(log_of(options), "removed: {}, which belonged to other predictions\n", odds.string());
}

void evaluate(const FinishedRun& run, const SquadDriverOptions& options, SquadEvaluation& evaluation,
              RunMetrics& metrics) {
  const SquadReport& report = evaluation.current();
  write_predictions(options, "", with_ids(evaluation.questions().data(), report.predictions),
                    evaluation.version_2());
  tell_scores(run, evaluation, between_rules(report.text), metrics);
}

// Returns the exit status.
int predict(Backend& backend, const SquadDriverOptions& options, const SquadSystem& system) {
  const SquadAnswerer answerer(backend, system, options,
                               options.may_lack_answers(system.settings().version_2));
  const AnswerForm form = parse_answer_form(options.predict_form, options.train.json);
  const std::string& path = options.predict_data_file_path;
  if (form != AnswerForm::table && !is_squad_file(path)) {
    check(!options.predicts_only() || options.output_dir.empty(),
          "--output_dir {}: answers to lines of text go to standard output; only those to a file of "
          "questions, JSON or CSV, are written to a folder",
          options.output_dir);
    int status = 0;
    read_predict_data(options, [&](std::istream& in, const std::string& name) {
      status = answer_lines(system, answerer, options, in, name, form, stdout);
    });
    return status;
  }
  SquadData data = read_squad(path, form == AnswerForm::table || form == AnswerForm::jsonl);
  const std::string head = answers_head(data, form);
  print_log(stderr, "{}", data.log());
  const SquadQuestions questions(std::move(data), system, options);
  std::vector<SquadPrediction> predictions = [&] {
    const Phase phase(fmt::format("answering {}", path));
    return answerer.run(questions);
  }();
  if (answerer.version_2()) apply_threshold(predictions, system.settings().null_score_diff_threshold);
  print_result("{}", head);
  for (size_t i = 0; i < answer_line_count(questions.data(), form); ++i)
    print_result("{}\n", answer_line(questions, i, predictions, form));
  write_predictions(options, prefix_of_new(options), with_ids(questions.data(), std::move(predictions)),
                    answerer.version_2());
  return 0;
}

int run(Options& flags, SquadDriverOptions& options) {
  const auto folders = begin_outputs(options, options.output_dir);
  const auto system = options.makes_head() ? SquadSystem::create(options) : SquadSystem::load(options);
  system->check_sequence_length(options.seq_length);
  Backend& backend = begin_run(flags, options);

  RunMetrics metrics;
  FinishedRun finished{flags, options, backend, "windows"};
  std::optional<SquadTraining> training;
  std::optional<SquadQuestions> dev;
  std::optional<SquadAnswerer> answerer;
  std::optional<SquadEvaluation> evaluation;
  if (options.train.do_train) {
    training.emplace(*system, example_store(options));
    const SquadTrainingData data = read_squad_training(options, *system, *training, log_of(options));
    end_training_data(finished, *training, data.description);
    // What a model has learned once it keeps.
    system->set_version_2(options.may_lack_answers(data.has_impossible || system->settings().version_2));
  }
  if (options.reads_eval()) {
    std::optional<Phase> phase(std::in_place, fmt::format("reading {}", options.eval_questions()));
    SquadData data = read_squad(options.eval_questions());
    phase.reset();
    print_log(log_of(options), "{}", data.log());
    dev.emplace(std::move(data), *system, options);
    check_squad_records(options, *system, *dev);
    const bool version_2 = options.may_lack_answers(dev->data().has_impossible);
    if (!version_2) check_has_answers(dev->data(), log_of(options));
    answerer.emplace(backend, *system, options, version_2);
    const bool tuned = options.train.do_train && !options.given.contains("null_score_diff_threshold");
    evaluation.emplace(*answerer, *system, *dev, method_for(options, dev->data(), version_2), tuned);
  }
  if (options.train.do_eval || options.train.do_predict)
    check_results_folder(options, options.output_dir,
                         {"predictions.json", "nbest_predictions.json", "null_odds.json"});
  SquadEvaluation* const scores = evaluation ? &*evaluation : nullptr;
  if (training) {
    if (evaluation) training->score_by(*evaluation);
    run_training(finished, *system, *training, metrics);
  } else {
    load_weights(finished, *system, scores);
  }
  if (options.train.do_eval) evaluate(finished, options, *evaluation, metrics);
  if (!options.train.report.empty()) save_report(options, squad_report(finished, scores));
  const int status = options.train.do_predict ? predict(backend, options, *system) : 0;
  end_run(finished, metrics);
  return status;
}

}  // namespace

int main(int argc, char** argv) { return task_main(program, argc, argv, run); }
