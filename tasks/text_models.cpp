#include "tasks/text_models.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "core/io/checked_json.h"
#include "core/joined.h"
#include "data/unicode.h"
#include "tasks/classifier/evaluation.h"
#include "tasks/ner/predict.h"
#include "tasks/ner/tags.h"
#include "tasks/result_json.h"
#include "tasks/squad/predict_form.h"
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
  std::vector<std::string> types;
  for (const Choice& type : compute_types()) types.push_back(type.value);
  check(std::find(types.begin(), types.end(), asked.compute_type) != types.end(),
        "compute type '{}': expected one of {}", asked.compute_type, joined(types, ", "));
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

// The length of the windows that fit, of at least one; the others are left out. `length` gives the tokens of one.
template <typename Window, typename Length>
void keep_windows(std::vector<Window>& windows, int64_t most_tokens, TextWork& work, const Length& length) {
  size_t kept = 0;
  for (; kept < windows.size(); ++kept) {
    const int64_t more = length(windows[kept]);
    if (kept > 0 && most_tokens > 0 && work.tokens + more > most_tokens) break;
    work.tokens += more;
  }
  if (kept == windows.size()) return;
  windows.resize(kept);
  work.truncated = true;
}

template <typename Value>
int64_t length_of(const std::vector<Value>& values) {
  return std::ssize(values);
}

struct TaggerWork : TextWork {
  TextQuery query;
  TextWords words;
  std::vector<NerExample> examples;
  std::vector<int32_t> tags;  // of the words
};

struct ClassifierWork : TextWork {
  std::string name;
  ClassificationExample example;
  std::vector<double> outputs;
};

struct AnswererWork : TextWork {
  std::unique_ptr<SquadQuestions> questions;
  std::vector<SquadFeature> features;
  std::vector<SquadAnswerer::Logits> logits;
};

}  // namespace

struct TextTagger::Parts {
  Parts(const std::string& folder, const PipelineOptions& asked)
      : options(options_for<NerOptions>(folder, asked)),
        system(load_system<NerSystem>(options, asked)),
        tagger(allocate(*system, options), *system, TaggerOptions::of(options)),
        rules(system->word_rules()),
        reader(system->tag_reader("span")) {}

  NerOptions options;
  std::unique_ptr<NerSystem> system;
  NerTagger tagger;
  WordRules rules;
  TagReader reader;
};

TextTagger::TextTagger(const std::string& folder, const PipelineOptions& options)
    : parts_(std::make_unique<Parts>(folder, options)) {}
TextTagger::~TextTagger() = default;

std::unique_ptr<TextWork> TextTagger::prepare(TextQuery query, int64_t most_tokens) const {
  check_utf8(query.text, query.name);
  auto work = std::make_unique<TaggerWork>();
  work->words = cut_words(query.text, parts_->rules);
  work->query = std::move(query);
  NerData data;
  data.path = work->query.name;
  data.labelled = false;
  data.sentences.emplace_back().words = work->words.words;
  NerExamples made = parts_->tagger.examples(data);
  work->truncated = made.counts.truncated_words + made.counts.dropped_words > 0;
  work->examples = std::move(made.examples);
  const size_t whole = work->examples.size();
  keep_windows(work->examples, most_tokens, *work,
               [](const NerExample& e) { return length_of(e.input_ids); });
  if (work->examples.size() < whole) {
    // The last window decides all of its words where there is no next one. Words behind it are let go.
    const int32_t end = *std::ranges::max_element(work->examples.back().words) + 1;
    work->examples.back().scored_end = end;
    work->words.words.resize(static_cast<size_t>(end));
    work->words.places.resize(static_cast<size_t>(end));
    work->words.words.shrink_to_fit();
    work->words.places.shrink_to_fit();
  }
  return work;
}

void TextTagger::compute(std::span<TextWork* const> works) const {
  NerData data;
  data.path = "text";
  data.labelled = false;
  std::vector<NerExample> examples;
  for (TextWork* const each : works) {
    const auto& work = static_cast<const TaggerWork&>(*each);
    if (works.size() == 1) data.path = work.query.name;
    for (const NerExample& example : work.examples)
      examples.emplace_back(example).sentence = static_cast<int32_t>(data.sentences.size());
    NerSentence& sentence = data.sentences.emplace_back();
    sentence.words = work.words.words;
    sentence.lines.assign(sentence.words.size(), std::ssize(data.sentences));
  }
  std::vector<std::vector<int32_t>> tags = parts_->tagger.predict(data, examples);
  for (size_t i = 0; i < works.size(); ++i) static_cast<TaggerWork&>(*works[i]).tags = std::move(tags[i]);
}

std::vector<NamedSpan> TextTagger::names(const TextWork& each) const {
  const auto& work = static_cast<const TaggerWork&>(each);
  std::vector<NamedSpan> names;
  for (const Entity& entity :
       parts_->reader.entities(parts_of(work.tags, parts_->system->labels(), parts_->reader))) {
    const auto [begin, end] = place_of(entity, work.words);
    names.push_back({shown_type(entity), work.query.text.substr(begin, end - begin), begin, end});
  }
  return names;
}

Json TextTagger::result(const TextWork& work) const {
  return result_json(static_cast<const TaggerWork&>(work).query.text, names(work));
}

struct TextClassifier::Parts {
  Parts(const std::string& folder, const PipelineOptions& asked)
      : options(options_for<ClassifierOptions>(folder, asked)),
        system(load_system<ClassifierSystem>(options, asked)),
        predictor(allocate(*system, options), *system, ClassifierRunOptions::of(options)) {}

  ClassifierOptions options;
  std::unique_ptr<ClassifierSystem> system;
  ClassifierPredictor predictor;
};

TextClassifier::TextClassifier(const std::string& folder, const PipelineOptions& options)
    : parts_(std::make_unique<Parts>(folder, options)) {}
TextClassifier::~TextClassifier() = default;

bool TextClassifier::takes_pairs() const { return parts_->system->settings().pairs; }

std::unique_ptr<TextWork> TextClassifier::prepare(TextQuery query, int64_t most_tokens) const {
  check_utf8(query.text, query.name);
  check(query.more.size() == (takes_pairs() ? 1 : 0), "{}: {} texts, expected {}", query.name,
        1 + query.more.size(),
        takes_pairs() ? "2: the classifier was trained on pairs"
                      : "1: the classifier was trained on single texts");
  ClassificationData data;
  data.labelled = false;
  ClassificationText& text = data.texts.emplace_back();
  text.text_a = std::move(query.text);
  if (takes_pairs()) {
    check_utf8(query.more[0], query.name + ", second text");
    text.text_b = std::move(query.more[0]);
  }
  const int64_t length = parts_->options.seq_length;
  ClassificationExamples made = make_classification_examples(
      data, parts_->system->tokenizer(), nullptr,
      static_cast<int32_t>(most_tokens > 0 ? std::min(most_tokens, length) : length));
  auto work = std::make_unique<ClassifierWork>();
  work->name = std::move(query.name);
  work->example = std::move(made.examples[0]);
  work->tokens = length_of(work->example.input_ids);
  work->truncated = made.counts.truncated > 0;
  return work;
}

void TextClassifier::compute(std::span<TextWork* const> works) const {
  std::vector<ClassificationExample> examples;
  for (TextWork* const work : works) examples.push_back(static_cast<ClassifierWork&>(*work).example);
  const std::vector<double> outputs =
      parts_->predictor.run(examples, [&](size_t i) { return static_cast<ClassifierWork&>(*works[i]).name; });
  const auto width = static_cast<std::ptrdiff_t>(parts_->predictor.width());
  auto next = outputs.begin();
  for (TextWork* const work : works) {
    static_cast<ClassifierWork&>(*work).outputs.assign(next, next + width);
    next += width;
  }
}

Classification TextClassifier::classification(const TextWork& work) const {
  const std::vector<double>& outputs = static_cast<const ClassifierWork&>(work).outputs;
  Classification result;
  const ClassifierSystem& system = *parts_->system;
  if (system.labels()) {
    for (int32_t id = 0; id < system.labels()->size(); ++id)
      result.probabilities.emplace_back(system.labels()->name(id), outputs[static_cast<size_t>(id)]);
  }
  switch (system.problem()) {
    case ProblemType::single_label: {
      const auto best = static_cast<size_t>(best_classes(outputs, outputs.size())[0]);
      std::tie(result.label, result.probability) = result.probabilities[best];
      break;
    }
    case ProblemType::multi_label:
      result.gives = Classification::Gives::labels;
      for (const int32_t id : system.holding(outputs))
        result.labels.push_back(result.probabilities[static_cast<size_t>(id)]);
      break;
    case ProblemType::regression:
      result.gives = Classification::Gives::score;
      result.score = outputs[0];
      break;
  }
  return result;
}

Json TextClassifier::result(const TextWork& work) const { return result_json(classification(work)); }

struct TextAnswerer::Parts {
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

TextAnswerer::TextAnswerer(const std::string& folder, const PipelineOptions& options)
    : parts_(std::make_unique<Parts>(folder, options)) {}
TextAnswerer::~TextAnswerer() = default;

std::unique_ptr<TextWork> TextAnswerer::prepare(TextQuery query, int64_t most_tokens) const {
  check_utf8(query.text, "context");
  SquadData data{"", {std::move(query.text)}, {}, false, {}};
  for (std::string& question : query.more) {
    const size_t number = data.questions.size();
    check_utf8(question, query.more.size() == 1 ? query.name : fmt::format("{} {}", query.name, number));
    data.questions.push_back({std::to_string(number), std::move(question), 0, {}, false});
  }
  auto work = std::make_unique<AnswererWork>();
  work->questions = std::make_unique<SquadQuestions>(std::move(data), *parts_->system, parts_->options);
  work->truncated = work->questions->counts().cut_questions > 0;
  work->features = work->questions->features();
  keep_windows(work->features, most_tokens, *work,
               [](const SquadFeature& feature) { return length_of(feature.window.input_ids); });
  return work;
}

void TextAnswerer::compute(std::span<TextWork* const> works) const {
  std::vector<SquadFeature> features;
  for (TextWork* const work : works) {
    const std::vector<SquadFeature>& more = static_cast<AnswererWork&>(*work).features;
    features.insert(features.end(), more.begin(), more.end());
  }
  const std::vector<SquadAnswerer::Logits> logits = parts_->answerer.logits(features);
  auto next = logits.begin();
  for (TextWork* const each : works) {
    auto& work = static_cast<AnswererWork&>(*each);
    const auto end = next + std::ssize(work.features);
    work.logits.assign(next, end);
    next = end;
  }
}

std::vector<FoundAnswer> TextAnswerer::answers(const TextWork& each) const {
  const auto& work = static_cast<const AnswererWork&>(each);
  std::vector<SquadPrediction> predictions = parts_->answerer.predictions(*work.questions, work.logits);
  if (parts_->answerer.version_2())
    apply_threshold(predictions, parts_->system->settings().null_score_diff_threshold);
  std::vector<FoundAnswer> answers;
  for (const SquadPrediction& prediction : predictions) {
    const auto [text, probability] = shown_answer(prediction);
    FoundAnswer& answer = answers.emplace_back(FoundAnswer{text, probability});
    if (text.empty()) continue;
    std::tie(answer.begin, answer.end) = place_of_answer(*work.questions, 0, prediction);
  }
  return answers;
}

Json TextAnswerer::result(const TextWork& each) const {
  const auto& work = static_cast<const AnswererWork&>(each);
  return result_json(work.questions->data().contexts[0], answers(work)[0]);
}

}  // namespace gradus
