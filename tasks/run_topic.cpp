// run_topic: trains, scores and uses a model that tells the topics of texts. The smallest whole task, to read before the others, and what
// `sh tasks/new_task.sh NAME` makes a new one of.
#include <cstdio>
#include <optional>

#include "core/joined.h"
#include "tasks/driver.h"
#include "tasks/log/progress.h"
#include "tasks/task_main.h"
#include "tasks/text/line_batches.h"
#include "tasks/topic/evaluation.h"
#include "tasks/topic/training.h"
#include "tasks/training/training_data.h"

using namespace gradus;

namespace {

constexpr TaskProgram program{
    "run_topic",
    R"(Trains, scores and uses a model that tells the topics of texts: BERT with a linear map of its first token.)",
    R"(run_topic --do_train --do_eval --load_pretrain_checkpoint_path model/ \
          --train_data_file_path train.tsv --eval_data_file_path dev.tsv
  run_topic --do_predict --load_finetune_checkpoint_path topic_finetune/ckpt/best < texts.txt)"};

constexpr ScoreName score_names[] = {{"accuracy", "accuracy", "texts whose topic is right"}};

void train(FinishedRun& run, const TopicOptions& options, TopicSystem& system, const TopicSet& set,
           Evaluation* evaluation, RunMetrics& metrics) {
  TopicTraining task(system, example_store(options));
  task.add(set);
  if (evaluation != nullptr) task.score_by(*evaluation);
  end_training_data(run, task, set.description());
  print_log(log_of(options), "topics: {}\n", joined(system.labels().names(), ", "));
  run_training(run, system, task, metrics);
}

void report(const FinishedRun& run, TopicEvaluation* evaluation, const std::string& path) {
  std::optional<ScoredData> scored;
  if (evaluation != nullptr)
    scored.emplace(ScoredData{path, evaluation->data_description(), evaluation->current().examples_per_second,
                              evaluation->current().scores, score_names});
  save_report(run.options, run_report(run, "Topics of texts", scored ? &*scored : nullptr));
}

// The topic of each line of text, a line each. Returns the exit status.
int predict_lines(const TopicOptions& options, const TopicSystem& system, const TopicPredictor& predictor,
                  std::istream& in, const std::string& name) {
  LineBatches batches(in, name);
  for (std::vector<std::string> lines; batches.next(lines);) {
    std::vector<TopicExample> examples;
    for (size_t i = 0; i < lines.size(); ++i) {
      const bool has_tab = lines[i].find('\t') != std::string::npos;
      if (has_tab && batches.fault(i).empty())
        batches.refuse(i, "a tab in the line: expected the text alone");
      examples.push_back(make_example(system, lines[i], options.seq_length));
    }
    const std::vector<int32_t> labels = predictor.run(examples, [&](size_t i) { return batches.where(i); });
    for (size_t i = 0; i < lines.size(); ++i) {
      if (!batches.fault(i).empty()) print_result("{}\n", batches.error_line(i, options.train.json));
      else if (options.train.json)
        print_result("{}\n", json_text({{"text", lines[i]}, {"topic", system.labels().name(labels[i])}}));
      else print_result("{}\n", system.labels().name(labels[i]));
    }
    flush_predictions(stdout);
  }
  return batches.status(stderr);
}

int run(Options& flags, TopicOptions& options) {
  const auto folders = begin_outputs(options, "");
  Backend& backend = begin_run(flags, options);

  std::optional<TopicSet> training, dev;
  if (options.train.do_train) training = read_training_topics(options);
  if (options.reads_eval()) dev = read_topics(options.eval_data_file_path);
  const auto system = options.makes_head() ? TopicSystem::create(options, find_topics(options, *training))
                                           : TopicSystem::load(options);
  system->check_sequence_length(options.seq_length);
  for (std::optional<TopicSet>* set : {&training, &dev})
    if (*set) make_examples(*system, options.seq_length, **set);

  const TopicPredictor predictor(backend, *system, options);
  std::optional<TopicEvaluation> evaluation;
  if (dev) evaluation.emplace(predictor, *system, *dev);
  TopicEvaluation* const scores = evaluation ? &*evaluation : nullptr;
  RunMetrics metrics;
  FinishedRun finished{flags, options, backend, "texts"};
  if (training) train(finished, options, *system, *training, scores, metrics);
  else load_weights(finished, *system, scores);
  if (options.train.do_eval) tell_scores(finished, *scores, between_rules(scores->current().text), metrics);
  if (!options.train.report.empty()) report(finished, scores, options.eval_data_file_path);
  int status = 0;
  if (options.train.do_predict)
    read_predict_data(options, [&](std::istream& in, const std::string& name) {
      status = predict_lines(options, *system, predictor, in, name);
    });
  end_run(finished, metrics);
  return status;
}

}  // namespace

int main(int argc, char** argv) { return task_main(program, argc, argv, run); }
