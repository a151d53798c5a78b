#include "tasks/pipeline.h"

#include <algorithm>

#include "data/unicode.h"
#include "tasks/classifier/evaluation.h"
#include "tasks/ner/predict.h"
#include "tasks/ner/tags.h"
#include "tasks/squad/predict.h"
#include "tasks/training/train_setup.h"

namespace gradus {
namespace {

// The options of a task's program that say the same.
template <typename TaskOptions>
TaskOptions options_for(const std::string& folder, const PipelineOptions& asked) {
  TaskOptions options;
  options.load_finetune_checkpoint_path = folder;
  options.device.device_target = asked.device;
  options.device.device_id = asked.device_id;
  options.device.threads = asked.threads;
  check(asked.compute_type == "fp32" || asked.compute_type == "bf16" || asked.compute_type == "fp16",
        "compute type '{}': expected fp32, bf16 or fp16", asked.compute_type);
  options.device.compute_type = asked.compute_type;
  check(asked.batch_size > 0, "batch size {}: expected 1 or more", asked.batch_size);
  options.train.eval_batch_size = asked.batch_size;
  check(asked.seq_length >= 0, "sequence length {}: expected 0 or more", asked.seq_length);
  if (asked.seq_length > 0) options.seq_length = asked.seq_length;
  return options;
}

// The model of a folder. Where no length was asked for, that of the program holds as far as the model has positions.
template <typename System, typename TaskOptions>
std::unique_ptr<System> load_system(TaskOptions& options, const PipelineOptions& asked) {
  std::unique_ptr<System> system = System::load(options);
  if (asked.seq_length == 0)
    options.seq_length = std::min<int64_t>(options.seq_length, system->config().max_position_embeddings);
  return system;
}

// Reads the weights of the folder's model, which says of itself what it needs.
Backend& allocate(TaskSystem& system, const FineTuneOptions& options) {
  system.check_sequence_length(options.seq_length);
  Backend& backend = open_backend(options.device);
  system.allocate(backend, Parameters::Use::evaluation, options.device.dtype(), 0, nullptr);
  return backend;
}

void check_text(const std::string& text, size_t number, const char* what) {
  check_utf8(text, fmt::format("{} {}", what, number));
}

}  // namespace

struct Tagger::Parts {
  Parts(const std::string& folder, const PipelineOptions& asked)
      : options(options_for<NerOptions>(folder, asked)),
        system(load_system<NerSystem>(options, asked)),
        tagger(allocate(*system, options), *system,
               {.batch_size = options.train.eval_batch_size,
                .group_lengths = true,
                .seq_length = static_cast<int32_t>(options.seq_length),
                .compute_type = options.device.dtype()}),
        rules(system->word_rules()),
        reader(system->tag_reader("span")) {}

  NerOptions options;
  std::unique_ptr<NerSystem> system;
  NerTagger tagger;
  WordRules rules;
  TagReader reader;
};

Tagger::Tagger(const std::string& folder, const PipelineOptions& options)
    : parts_(std::make_unique<Parts>(folder, options)) {}
Tagger::~Tagger() = default;
Tagger::Tagger(Tagger&&) noexcept = default;

std::vector<NamedSpan> Tagger::tag(const std::string& text) const { return tag_all({text})[0]; }

std::vector<std::vector<NamedSpan>> Tagger::tag_all(const std::vector<std::string>& texts) const {
  const Parts& p = *parts_;
  NerData data;
  data.labelled = false;
  std::vector<TextWords> words;
  for (const std::string& text : texts) {
    check_text(text, words.size(), "text");
    words.push_back(cut_words(text, p.rules));
    NerSentence& sentence = data.sentences.emplace_back();
    sentence.words = words.back().words;
    sentence.lines.assign(sentence.words.size(), std::ssize(words));
  }
  NerCounts counts;
  const std::vector<std::vector<int32_t>> tags = p.tagger.predict(data, counts);
  std::vector<std::vector<NamedSpan>> names(texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    for (const Entity& entity : p.reader.entities(parts_of(tags[i], p.system->labels(), p.reader))) {
      const auto [begin, end] = place_of(entity, words[i]);
      names[i].push_back({shown_type(entity), texts[i].substr(begin, end - begin), begin, end});
    }
  }
  return names;
}

struct Classifier::Parts {
  Parts(const std::string& folder, const PipelineOptions& asked)
      : options(options_for<ClassifierOptions>(folder, asked)),
        system(load_system<ClassifierSystem>(options, asked)),
        predictor(allocate(*system, options), *system,
                  {options.train.eval_batch_size, true, options.device.dtype()}) {}

  std::vector<Classification> classify(const ClassificationData& data) const {
    if (data.texts.empty()) return {};
    const ClassificationExamples made = make_classification_examples(
        data, system->tokenizer(), nullptr, static_cast<int32_t>(options.seq_length));
    const std::vector<double> outputs =
        predictor.run(made.examples, [](size_t i) { return fmt::format("text {}", i); });
    const size_t width = predictor.width();
    const std::vector<int32_t> best = best_classes(outputs, width);
    std::vector<Classification> results(data.texts.size());
    for (size_t i = 0; i < results.size(); ++i) {
      Classification& result = results[i];
      if (!system->labels()) {
        result.score = outputs[i];
        continue;
      }
      for (int32_t id = 0; id < system->labels()->size(); ++id)
        result.probabilities.emplace_back(system->labels()->name(id),
                                          outputs[i * width + static_cast<size_t>(id)]);
      std::tie(result.label, result.probability) = result.probabilities[static_cast<size_t>(best[i])];
    }
    return results;
  }

  ClassifierOptions options;
  std::unique_ptr<ClassifierSystem> system;
  ClassifierPredictor predictor;
};

Classifier::Classifier(const std::string& folder, const PipelineOptions& options)
    : parts_(std::make_unique<Parts>(folder, options)) {}
Classifier::~Classifier() = default;
Classifier::Classifier(Classifier&&) noexcept = default;

bool Classifier::takes_pairs() const { return parts_->system->settings().pairs; }

Classification Classifier::classify(const std::string& text) const { return classify_all({text})[0]; }

std::vector<Classification> Classifier::classify_all(const std::vector<std::string>& texts) const {
  check(!takes_pairs(), "single texts, but the classifier was trained on pairs");
  ClassificationData data;
  data.labelled = false;
  for (const std::string& text : texts) {
    check_text(text, data.texts.size(), "text");
    data.texts.emplace_back().text_a = text;
  }
  return parts_->classify(data);
}

std::vector<Classification> Classifier::classify_pairs(
    const std::vector<std::pair<std::string, std::string>>& pairs) const {
  check(takes_pairs(), "pairs of texts, but the classifier was trained on single texts");
  ClassificationData data;
  data.labelled = false;
  for (const auto& [first, second] : pairs) {
    check_text(first, data.texts.size(), "the first text of pair");
    check_text(second, data.texts.size(), "the second text of pair");
    ClassificationText& text = data.texts.emplace_back();
    text.text_a = first;
    text.text_b = second;
  }
  return parts_->classify(data);
}

struct Answerer::Parts {
  Parts(const std::string& folder, const PipelineOptions& asked)
      : options(options_for<SquadDriverOptions>(folder, asked)),
        system(load_system<SquadSystem>(options, asked)),
        answerer(allocate(*system, options), *system, options, system->settings().version_2) {
    options.max_query_length = std::min(options.max_query_length, options.seq_length / 3);
    options.doc_stride = std::min(options.doc_stride, options.seq_length / 3);
  }

  SquadDriverOptions options;
  std::unique_ptr<SquadSystem> system;
  SquadAnswerer answerer;
};

Answerer::Answerer(const std::string& folder, const PipelineOptions& options)
    : parts_(std::make_unique<Parts>(folder, options)) {}
Answerer::~Answerer() = default;
Answerer::Answerer(Answerer&&) noexcept = default;

FoundAnswer Answerer::answer(const std::string& context, const std::string& question) const {
  return answer_all(context, {question})[0];
}

std::vector<FoundAnswer> Answerer::answer_all(const std::string& context,
                                              const std::vector<std::string>& questions) const {
  const Parts& p = *parts_;
  check_text(context, 0, "context");
  SquadData data{"", {context}, {}, false, {}};
  for (const std::string& question : questions) {
    check_text(question, data.questions.size(), "question");
    data.questions.push_back({std::to_string(data.questions.size()), question, 0, {}, false});
  }
  std::vector<FoundAnswer> answers;
  if (questions.empty()) return answers;
  const SquadQuestions asked(std::move(data), *p.system, p.options);
  std::vector<SquadPrediction> predictions = p.answerer.run(asked);
  if (p.answerer.version_2()) apply_threshold(predictions, p.system->settings().null_score_diff_threshold);
  const SquadContext& parts = asked.context(0);
  for (const SquadPrediction& prediction : predictions) {
    const auto [text, probability] = shown_answer(prediction);
    FoundAnswer& answer = answers.emplace_back(FoundAnswer{text, probability});
    if (text.empty()) continue;
    const PieceSpan pieces = prediction.chosen()->pieces;
    answer.begin = parts.pieces[static_cast<size_t>(pieces.first)].begin;
    answer.end = end_of_pieces(pieces, context, parts);
  }
  return answers;
}

}  // namespace gradus
