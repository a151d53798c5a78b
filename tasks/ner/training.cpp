#include "tasks/ner/training.h"

#include <algorithm>

#include "data/tag_scheme.h"
#include "tasks/ner/batch.h"

namespace gradus {
namespace {

// The loss of a sequence that the constraints forbid is a constant of thousands: nothing could be learned from it.
void check_constraints(const NerData& data, const std::vector<NerExample>& examples,
                       const NerSystem& system) {
  const LabelList& labels = system.labels();
  const TagReader reader(labels.tags());
  const auto parts = [&](const std::string& tag) { return tag.empty() ? TagParts() : reader.parts(tag); };
  for (const NerExample& example : examples) {
    const NerSentence& sentence = data.sentences[static_cast<size_t>(example.sentence)];
    std::string before;
    for (size_t i = 0; i <= example.labels.size(); ++i) {
      const bool ends = i == example.labels.size();
      const std::string tag = ends ? std::string() : labels.tag(example.labels[i]);
      if (!transition_allowed(system.tag_scheme(), parts(before), parts(tag))) {
        const size_t place = std::min(i, example.labels.size() - 1);
        const auto word = static_cast<size_t>(std::max(example.words[place], 0));
        fail("{}: word '{}': {} {}, which --crf_constraints forbids (by the scheme {})",
             data.where(static_cast<size_t>(example.sentence), word), sentence.words[word],
             ends ? fmt::format("the sequence ends with {}", before) : fmt::format("the tag {}", tag),
             ends             ? std::string("within a name")
             : before.empty() ? std::string("begins a sequence")
                              : fmt::format("follows {}", before),
             name_of(system.tag_scheme()));
      }
      before = tag;
    }
  }
}

}  // namespace

NerTraining::NerTraining(Backend& backend, NerSystem& system, const NerData& train, NerExamples examples,
                         NerEvaluation* evaluation)
    : FineTuning(system),
      backend_(backend),
      system_(system),
      train_(std::move(examples)),
      evaluation_(evaluation) {
  for (const NerExample& example : train_.examples)
    add_example(example.input_ids.size(), {example.input_ids, example.labels});
  if (evaluation != nullptr) {
    for (const NerExample& example : evaluation->examples().examples)
      add_evaluation_example({example.input_ids, example.labels});
  }
  if (system.head().crf_constraints) check_constraints(train, train_.examples, system);
}

double NerTraining::loss_weight(std::span<const int32_t> examples) const {
  double words = 0;
  for (const int32_t index : examples) {
    for (const int32_t label : train_.examples[static_cast<size_t>(index)].labels)
      words += label >= 0 ? 1 : 0;
  }
  return words;
}

Variable NerTraining::loss(Context& context, std::span<const int32_t> examples, float normalizer) {
  return system_.model().loss(context, make_ner_batch(backend_, train_.examples, examples), normalizer);
}

FineTuning::Loss NerTraining::network_on(Backend& backend, Parameters& parameters) const {
  const auto model = std::make_shared<NerModel>(Scope(parameters), system_.config(), system_.head());
  return [this, &backend, model](Context& context, std::span<const int32_t> chosen) {
    return model->loss(context, make_ner_batch(backend, train_.examples, chosen), 1);
  };
}

}  // namespace gradus
