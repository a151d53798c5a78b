// run_ner: trains, scores and uses a tagger for named entities.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "core/files.h"
#include "tasks/main.h"
#include "tasks/metrics_file.h"
#include "tasks/ner_input.h"
#include "tasks/ner_predict.h"
#include "tasks/ner_training.h"
#include "tasks/progress.h"
#include "tasks/train_setup.h"

using namespace gradus;

namespace {

constexpr const char* purpose =
    R"(Trains, scores and uses a tagger for named entities: BERT, with a BiLSTM and a CRF if wanted.
Without any data it trains on a built-in sample and shows what it learned.)";
constexpr const char* example = R"(run_ner --use_crf --with_lstm
  run_ner --do_train --do_eval --load_pretrain_checkpoint_path model/ --train_data_file_path train.txt \
          --eval_data_file_path dev.txt --learning_rate 1e-4 --epoch_num 3
  run_ner --do_predict --load_finetune_checkpoint_path ner_finetune/ckpt/best < text.txt)";

TaggerOptions tagger_options(const NerOptions& options) {
  TaggerOptions tagger;
  tagger.batch_size = options.train.eval_batch_size;
  tagger.group_lengths = options.eval_pad == "grouped";
  tagger.seq_length = static_cast<int32_t>(options.seq_length);
  tagger.compute_type = options.device.dtype();
  return tagger;
}

void check_sequence_length(const NerOptions& options, const NerSystem& system) {
  check(options.seq_length <= system.config().max_position_embeddings,
        "--seq_length {} is above the model's max_position_embeddings {}", options.seq_length,
        system.config().max_position_embeddings);
}

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
  fmt::print("\n");
  for (size_t i = 0; i < few.sentences.size(); ++i) {
    TextWords words;
    std::string text;
    for (const std::string& word : few.sentences[i].words) {
      // Ideographs stand side by side, other words apart.
      const bool apart = !text.empty() && static_cast<unsigned char>(word[0]) < 0x80;
      if (apart) text += ' ';
      words.places.emplace_back(text.size(), text.size() + word.size());
      text += word;
    }
    fmt::print("{}\n", show_entities(text, words, system.labels(), tags[i], style));
  }
}

EntityStyle style_of(const NerOptions& options) {
  if (options.train.json) return EntityStyle::json;
  return isatty(STDOUT_FILENO) != 0 ? EntityStyle::coloured : EntityStyle::plain;
}

void report_training(const TrainResult& result, RunMetrics& metrics) {
  for (const auto& [name, value] : result.scores) metrics.scores[name] = value;
  for (const auto& [name, value] : result.best_scores) metrics.scores["best_" + name] = value;
  metrics.steps = result.steps;
  metrics.seconds = result.seconds;
  metrics.examples_per_second =
      result.seconds > 0 ? static_cast<double>(result.examples) / result.seconds : 0;
  metrics.tokens_per_second = result.seconds > 0 ? static_cast<double>(result.tokens) / result.seconds : 0;
  metrics.train_loss = result.train_loss;
  metrics.scores["seconds_to_first_step"] = result.seconds_to_first_step;
  fmt::print("trained {} steps in {:.1f} s: {:.1f} sentences/s, {:.0f} tokens/s, loss {:.4f}\n", result.steps,
             result.seconds, metrics.examples_per_second, metrics.tokens_per_second, result.train_loss);
}

// The tagger to train: a new one, or a trained one to train further.
std::unique_ptr<NerSystem> system_to_train(const NerOptions& options, NerInputs& inputs) {
  if (!options.load_finetune_checkpoint_path.empty())
    return NerSystem::load(options.load_finetune_checkpoint_path, options);
  return NerSystem::create(options, ner_labels(options, inputs), std::move(inputs.vocab));
}

void train(Backend& backend, const NerOptions& options, NerSystem& system, NerSet& set,
           NerEvaluation* evaluation, RunMetrics& metrics) {
  const NerData& data = set.data;
  NerTraining task(backend, system, data,
                   training_examples(set, system, static_cast<int32_t>(options.seq_length)), evaluation);
  fmt::print("training data: {}\n", task.examples().counts.str());
  if (data.overlapping_mentions > 0)
    fmt::print("{}: {} mentions overlap others, of which they took words\n", data.path,
               data.overlapping_mentions);
  const TrainConfig config = train_config(options.train, options.device);
  fmt::print("memory: {}\n", plan_memory(system, task.examples(), config).str());
  system.parameters().exclude_from_decay(options.train.no_decay);
  system.allocate(backend, Parameters::Use::training, options.device.dtype(),
                  static_cast<uint64_t>(options.device.seed));
  report_training(gradus::train(system.parameters(), task, config), metrics);
}

// Training has scored the final weights already, unless there was nothing left to train.
void evaluate(const NerOptions& options, NerEvaluation& evaluation, RunMetrics& metrics) {
  const NerReport& report = evaluation.latest() ? *evaluation.latest() : evaluation.run();
  for (const auto& [name, value] : report.scores) metrics.scores[name] = value;
  metrics.scores["eval_sentences_per_second"] = report.sentences_per_second;
  if (options.train.json) {
    nlohmann::ordered_json scores;
    for (const auto& [name, value] : report.scores) scores[name] = value;
    fmt::print("{}\n", scores.dump());
    return;
  }
  // The reference drivers put their scores between rules; conlleval's report stands alone.
  const std::string rule = options.assessment_method == "span" ? "" : rule_line() + "\n";
  fmt::print("evaluation data: {}; {:.1f} sentences/s\n{}{}{}", evaluation.examples().counts.str(),
             report.sentences_per_second, rule, report.text, rule);
}

void predict(const NerOptions& options, const NerSystem& system, const NerTagger& tagger) {
  if (options.predict_data_file_path == "-") {
    std::ios::sync_with_stdio(false);
    return predict_lines(system, tagger, std::cin, "standard input", style_of(options), stdout);
  }
  std::ifstream file(options.predict_data_file_path);
  check(file.is_open(), "cannot open '{}'", options.predict_data_file_path);
  predict_lines(system, tagger, file, options.predict_data_file_path, style_of(options), stdout);
}

int run(int argc, char** argv) {
  NerOptions options;
  Options flags("run_ner", purpose, example);
  options.declare(flags);
  if (!flags.parse(argc, argv)) return 0;
  options.finish(flags);
  // Predictions alone go to standard output; a log would be in the way.
  const bool quiet = !options.train.do_train && !options.train.do_eval;
  // A log that goes to a file or a pipe shall be readable while the run goes on.
  if (!quiet) std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
  if (!quiet) flags.print_effective(stdout);
  Backend& backend = open_backend(options.device);
  if (!quiet) fmt::print("device: {}\n", backend.description());

  // Told now rather than after hours of training.
  if (!options.train.metrics_file.empty()) check_writable(options.train.metrics_file);

  RunMetrics metrics;
  NerInputs inputs = read_ner_inputs(options);
  const bool training = options.train.do_train;
  const auto system = training ? system_to_train(options, inputs)
                               : NerSystem::load(options.load_finetune_checkpoint_path, options);
  check_sequence_length(options, *system);
  if (training || options.train.do_eval)
    check_labels(options.assessment_method, system->labels(),
                 options.label_file_path.empty() ? "the label list" : options.label_file_path);
  complete_ner_inputs(options, *system, inputs, quiet ? stderr : stdout);
  const NerTagger tagger(backend, *system, tagger_options(options));
  std::optional<NerEvaluation> evaluation;
  if (inputs.dev) {
    const NerData& data = inputs.dev->data;
    evaluation.emplace(tagger, system->labels(), data,
                       inputs.dev->examples ? std::move(*inputs.dev->examples) : tagger.examples(data),
                       options.assessment_method);
  }
  if (training) {
    train(backend, options, *system, *inputs.train, evaluation ? &*evaluation : nullptr, metrics);
  } else {
    system->allocate(backend, Parameters::Use::evaluation, options.device.dtype(), 0,
                     quiet ? stderr : stdout);
  }
  if (options.train.do_eval) evaluate(options, *evaluation, metrics);
  if (options.use_sample) show_sentences(tagger, *system, inputs.dev->data, style_of(options));
  if (options.train.do_predict) predict(options, *system, tagger);
  metrics.peak_rss_bytes = peak_rss_bytes();
  if (!options.train.metrics_file.empty()) write_metrics_file(options.train.metrics_file, metrics);
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return run_main(argc, argv, run); }
