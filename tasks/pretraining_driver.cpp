#include "tasks/pretraining_driver.h"

#include <filesystem>

#include "core/io/files.h"
#include "tasks/driver.h"
#include "tasks/log/log.h"
#include "tasks/log/progress.h"
#include "tasks/pretraining/report.h"
#include "tasks/pretraining/training.h"
#include "tasks/training/training_data.h"

namespace gradus {
namespace {

constexpr const char* scores_file = "eval_results.txt";

void evaluate(const FinishedRun& run, const PretrainOptions& options, const PretrainSystem& system,
              PretrainEvaluation& evaluation, RunMetrics& metrics) {
  const EvaluationReport& report = evaluation.current();
  const int64_t steps = options.train.do_train ? metrics.steps : system.trained_steps();
  std::string text = pretrain_results_text(report.scores, steps);
  if (!options.output_dir.empty())
    replace_file(std::filesystem::path(options.output_dir) / scores_file, text);
  const auto& [name, value] = report.scores.front();
  if (name == "masked_lm_accuracy") text += between_rules(fmt::format("Accuracy is:  {:.6f}\n", value / 100));
  tell_scores(run, evaluation, text, metrics);
}

}  // namespace

int run_pretraining(const PretrainingProgram& program, int argc, const char* const* argv) {
  PretrainOptions options;
  Options flags(program.name, program.purpose, program.example);
  options.declare(flags);
  if (!flags.parse(argc, argv)) return 0;
  options.finish(flags, program.trains);
  const auto folders = begin_outputs(options, options.output_dir);
  const auto system = PretrainSystem::open(options);
  Backend& backend = begin_run(flags, options);

  RunMetrics metrics;
  FinishedRun finished{flags, options, backend, "examples"};
  std::optional<PretrainTraining> training;
  std::optional<PretrainSet> dev;
  std::optional<PretrainEvaluation> evaluation;
  if (options.reads_eval()) {
    dev = read_pretrain_set(options, *system);
    evaluation.emplace(backend, *system, options, *dev);
  }
  if (options.train.do_eval) check_results_folder(options, options.output_dir, {scores_file});
  if (options.train.do_train) {
    training.emplace(*system, example_store(options));
    end_training_data(finished, *training, training->train_on_data(options));
    if (evaluation) training->score_by(*evaluation);
    run_training(finished, *system, *training, metrics);
  } else {
    load_weights(finished, *system);
  }
  if (options.train.do_eval) evaluate(finished, options, *system, *evaluation, metrics);
  if (!options.train.report.empty())
    save_report(options, pretrain_report(finished, evaluation ? &*evaluation : nullptr));
  end_run(finished, metrics);
  return 0;
}

}  // namespace gradus
