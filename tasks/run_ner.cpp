// run_ner: trains, scores and uses a tagger for named entities.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iostream>

#include "core/joined.h"
#include "tasks/driver.h"
#include "tasks/log/phase.h"
#include "tasks/log/progress.h"
#include "tasks/ner/input.h"
#include "tasks/ner/predict_table.h"
#include "tasks/ner/report.h"
#include "tasks/ner/tags.h"
#include "tasks/ner/training.h"
#include "tasks/task_main.h"
#include "tasks/training/training_data.h"

using namespace gradus;

namespace {

constexpr TaskProgram program{
    "run_ner",
    R"(Trains, scores and uses a tagger for named entities: BERT, with a BiLSTM and a CRF if wanted.
Without any data it trains on a built-in sample and shows what it learned.)",
    R"(run_ner --use_crf --with_lstm
  run_ner --do_train --do_eval --load_pretrain_checkpoint_path model/ --train_data_file_path train.txt \
          --eval_data_file_path dev.txt --learning_rate 1e-4 --epoch_num 3
  run_ner --do_predict --load_finetune_checkpoint_path ner_finetune/ckpt/best < text.txt)"};

// Shows the first sentences of the held-out sample with the entities found.
void show_sentences(const NerTagger& tagger, const NerSystem& system, const NerData& data,
                    EntityStyle style) {
  NerData few;
  few.path = data.path;
  few.labelled = false;
  const size_t step = std::max<size_t>(1, data.sentences.size() / 6);
  for (size_t i = 0; i < data.sentences.size(); i += step) few.sentences.push_back(data.sentences[i]);
  NerCounts counts;
  const auto tags = tagger.predict(few, counts);
  const TagReader reader = system.tag_reader("span");
  print_result("\n");
  for (size_t i = 0; i < few.sentences.size(); ++i) {
    const auto [text, words] = join_words(few.sentences[i], few.records);
    print_result("{}\n", show_entities(text, words, system.labels(), reader, tags[i], style));
  }
}

EntityStyle style_of(const NerOptions& options) {
  if (options.train.json) return EntityStyle::json;
  return isatty(STDOUT_FILENO) != 0 ? EntityStyle::coloured : EntityStyle::plain;
}

void train(FinishedRun& run, const NerOptions& options, NerSystem& system, NerSet& set,
           Evaluation* evaluation, RunMetrics& metrics) {
  NerTraining task(system, example_store(options));
  if (evaluation != nullptr) task.score_by(*evaluation);
  end_training_data(run, task, add_training_data(options, system, set, task));
  run_training(run, system, task, metrics);
}

void evaluate(const FinishedRun& run, NerEvaluation& evaluation, RunMetrics& metrics) {
  // The reference drivers put their scores between rules; conlleval's report stands alone.
  const std::string& text = evaluation.current().text;
  tell_scores(run, evaluation, evaluation.method().starts_with("span") ? text : between_rules(text), metrics);
}

// Returns the exit status.
int predict(const NerOptions& options, const NerSystem& system, const NerTagger& tagger) {
  const std::string& path = options.predict_data_file_path;
  const std::optional<PredictForm> form = parse_predict_form(options.predict_form);
  const NerColumns columns = chosen_columns(path, options.columns.columns(), system.settings().columns);
  const TagReader reader = system.tag_reader(options.assessment_method);
  int status = 0;
  if (form ? form == PredictForm::table : is_ner_table(path, columns)) {
    NerTablePredictor predictor(system, tagger, reader, columns, style_of(options), stdout);
    LineReader lines = path == "-" ? LineReader(std::cin, "standard input") : LineReader(path);
    predictor.run(lines);
  } else {
    NerPredictor predictor(system, tagger, reader, columns, style_of(options), stdout);
    read_predict_data(
        options, [&](std::istream& in, const std::string& name) { status = predictor.run(in, name, form); });
  }
  return status;
}

int run(Options& flags, NerOptions& options) {
  const auto folders = begin_outputs(options, "");
  Backend& backend = begin_run(flags, options);

  RunMetrics metrics;
  const bool training = options.train.do_train;
  std::unique_ptr<NerSystem> system = options.makes_head() ? nullptr : NerSystem::load(options);
  NerInputs inputs = read_ner_inputs(options, system ? system->settings().columns : NerColumnNames());
  if (!system) system = NerSystem::create(options, ner_labels(options, inputs), std::move(inputs.vocab));
  system->check_sequence_length(options.seq_length);
  if (training || options.train.do_eval)
    check_labels(options.assessment_method, system->labels(), "the tagger's label list");
  check(options.train.label_smoothing == 0 || !system->settings().use_crf,
        "--label_smoothing {}: a CRF scores whole sequences of tags: there are no classes to share a part",
        options.train.label_smoothing);
  complete_ner_inputs(options, *system, inputs, log_of(options));
  const bool needs_scheme = system->settings().crf_constraints || options.assessment_method == "span_strict";
  if (needs_scheme && !system->settings().tag_scheme)
    print_log(log_of(options), "tags: taken as {}, by the labels {}\n", name_of(system->tag_scheme()),
              joined(system->labels().tags(), ", "));
  const NerTagger tagger(backend, *system, TaggerOptions::of(options));
  std::optional<NerEvaluation> evaluation;
  if (inputs.dev) {
    const NerData& data = inputs.dev->data;
    const Phase phase(fmt::format("tokenizing {}", data.path));
    evaluation.emplace(tagger, *system, data,
                       inputs.dev->examples ? std::move(*inputs.dev->examples) : tagger.examples(data),
                       options.assessment_method);
  }
  NerEvaluation* const scores = evaluation ? &*evaluation : nullptr;
  FinishedRun finished{flags, options, backend, "sentences"};
  if (training) {
    train(finished, options, *system, *inputs.train, scores, metrics);
  } else {
    load_weights(finished, *system, scores);
  }
  if (options.train.do_eval) evaluate(finished, *evaluation, metrics);
  if (!options.train.report.empty()) save_report(options, ner_report(finished, scores));
  if (options.use_sample) show_sentences(tagger, *system, inputs.dev->data, style_of(options));
  const int status = options.train.do_predict ? predict(options, *system, tagger) : 0;
  end_run(finished, metrics);
  return status;
}

}  // namespace

int main(int argc, char** argv) { return task_main(program, argc, argv, run); }
