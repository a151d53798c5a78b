#include "tasks/ner/training.h"

#include <algorithm>

#include "tasks/ner/batch.h"

namespace gradus {
namespace {

// The loss of a sequence that the constraints forbid is a constant of thousands: nothing could be learned from it.
void check_constraints(const NerData& data, const std::vector<NerExample>& examples, const NerSystem& system,
                       const TransitionRules& rules) {
  const LabelList& labels = system.labels();
  const auto allows = [&](const std::vector<int32_t>& ids, size_t i) {
    const auto id = [&](size_t place) { return static_cast<size_t>(ids[place]); };
    if (i == 0) return static_cast<bool>(rules.start[id(0)]);
    if (i == ids.size()) return static_cast<bool>(rules.end[id(i - 1)]);
    return static_cast<bool>(rules.transitions[id(i - 1) * rules.start.size() + id(i)]);
  };
  for (const NerExample& example : examples) {
    const std::vector<int32_t>& ids = example.labels;
    for (size_t i = 0; i <= ids.size() && !ids.empty(); ++i) {
      if (allows(ids, i)) continue;
      const bool ends = i == ids.size();
      const std::string before = i == 0 ? "" : labels.tag(ids[i - 1]);
      const auto word = static_cast<size_t>(std::max(example.words[ends ? i - 1 : i], 0));
      const auto sentence = static_cast<size_t>(example.sentence);
      fail("{}: word '{}': {} {}, which --crf_constraints forbids (by the scheme {})",
           data.where(sentence, word), data.sentences[sentence].words[word],
           ends ? fmt::format("the sequence ends with {}", before)
                : fmt::format("the tag {}", labels.tag(ids[i])),
           ends     ? std::string("within a name")
           : i == 0 ? std::string("begins a sequence")
                    : fmt::format("follows {}", before),
           name_of(system.tag_scheme()));
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
  if (const std::optional<TransitionRules> rules = system.head().crf_constraints)
    check_constraints(train, train_.examples, system, *rules);
}

double NerTraining::loss_weight(std::span<const int32_t> examples) const {
  double words = 0;
  for (const int32_t index : examples) {
    for (const int32_t label : train_.examples[static_cast<size_t>(index)].labels)
      words += label >= 0 ? 1 : 0;
  }
  return words;
}

Variable NerTraining::loss(Context& context, std::span<const int32_t> examples) {
  return system_.model().loss(context, make_ner_batch(backend_, train_.examples, examples));
}

FineTuning::Loss NerTraining::network_on(Backend& backend, Parameters& parameters) const {
  const auto model = std::make_shared<NerModel>(Scope(parameters), system_.config(), system_.head());
  return [this, &backend, model](Context& context, std::span<const int32_t> chosen) {
    return model->loss(context, make_ner_batch(backend, train_.examples, chosen));
  };
}

}  // namespace gradus
