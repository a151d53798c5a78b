#include "tasks/pipeline.h"

#include "core/error.h"
#include "data/unicode.h"
#include "tasks/classifier/system.h"
#include "tasks/ner/system.h"
#include "tasks/squad/system.h"
#include "tasks/text_models.h"

namespace gradus {
namespace {

void check_text(const std::string& text, size_t number, const char* what) {
  check_utf8(text, fmt::format("{} {}", what, number));
}

}  // namespace

ModelTask task_of(const std::string& folder) {
  const TaskKind& kind = kind_of_trained(folder, {&tagger_kind, &classifier_kind, &squad_kind});
  if (&kind == &tagger_kind) return ModelTask::tag;
  return &kind == &classifier_kind ? ModelTask::classify : ModelTask::answer;
}

struct Tagger::Parts {
  TextTagger model;
};

Tagger::Tagger(const std::string& folder, const PipelineOptions& options)
    : parts_(new Parts{TextTagger(folder, options)}) {}
Tagger::~Tagger() = default;
Tagger::Tagger(Tagger&&) noexcept = default;

std::vector<NamedSpan> Tagger::tag(const std::string& text) const { return tag_all({text})[0]; }

std::vector<std::vector<NamedSpan>> Tagger::tag_all(const std::vector<std::string>& texts) const {
  std::vector<std::vector<NamedSpan>> names;
  for (const auto& work : computed(parts_->model, texts.size(), [&](size_t i) {
         return TextQuery{texts[i], {}, fmt::format("text {}", i)};
       }))
    names.push_back(parts_->model.names(*work));
  return names;
}

struct Classifier::Parts {
  TextClassifier model;
};

Classifier::Classifier(const std::string& folder, const PipelineOptions& options)
    : parts_(new Parts{TextClassifier(folder, options)}) {}
Classifier::~Classifier() = default;
Classifier::Classifier(Classifier&&) noexcept = default;

bool Classifier::takes_pairs() const { return parts_->model.takes_pairs(); }

Classification Classifier::classify(const std::string& text) const { return classify_all({text})[0]; }

std::vector<Classification> Classifier::classify_all(const std::vector<std::string>& texts) const {
  check(!takes_pairs(), "single texts, but the classifier was trained on pairs");
  std::vector<Classification> results;
  for (const auto& work : computed(parts_->model, texts.size(), [&](size_t i) {
         return TextQuery{texts[i], {}, fmt::format("text {}", i)};
       }))
    results.push_back(parts_->model.classification(*work));
  return results;
}

std::vector<Classification> Classifier::classify_pairs(
    const std::vector<std::pair<std::string, std::string>>& pairs) const {
  check(takes_pairs(), "pairs of texts, but the classifier was trained on single texts");
  std::vector<Classification> results;
  for (const auto& work : computed(parts_->model, pairs.size(), [&](size_t i) {
         check_text(pairs[i].second, i, "the second text of pair");
         return TextQuery{pairs[i].first, {pairs[i].second}, fmt::format("the first text of pair {}", i)};
       }))
    results.push_back(parts_->model.classification(*work));
  return results;
}

struct Answerer::Parts {
  TextAnswerer model;
};

Answerer::Answerer(const std::string& folder, const PipelineOptions& options)
    : parts_(new Parts{TextAnswerer(folder, options)}) {}
Answerer::~Answerer() = default;
Answerer::Answerer(Answerer&&) noexcept = default;

FoundAnswer Answerer::answer(const std::string& context, const std::string& question) const {
  return answer_all(context, {question})[0];
}

std::vector<FoundAnswer> Answerer::answer_all(const std::string& context,
                                              const std::vector<std::string>& questions) const {
  check_utf8(context, "context");
  if (questions.empty()) return {};
  const auto works = computed(parts_->model, 1, [&](size_t) {
    return TextQuery{context, questions, "question"};
  });
  return parts_->model.answers(*works[0]);
}

}  // namespace gradus
