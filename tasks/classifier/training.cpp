#include "tasks/classifier/training.h"

#include <array>
#include <bit>

#include "tasks/classifier/batch.h"

namespace gradus {

ClassifierTraining::ClassifierTraining(Backend& backend, ClassifierSystem& system, const ClassifierSet& train,
                                       ClassifierEvaluation* evaluation)
    : FineTuning(system), backend_(backend), system_(system), train_(train), evaluation_(evaluation) {
  const auto target_of = [&](const ClassificationExample& example) {
    return std::array<int32_t, 1>{system.labels() ? example.label : std::bit_cast<int32_t>(example.score)};
  };
  for (const ClassificationExample& example : train.examples)
    add_example(example.input_ids.size(), {example.input_ids, example.segment_ids, target_of(example)});
  if (evaluation == nullptr) return;
  for (const ClassificationExample& example : evaluation->set().examples)
    add_evaluation_example({example.input_ids, example.segment_ids, target_of(example)});
}

double ClassifierTraining::loss_weight(std::span<const int32_t> examples) const {
  const std::vector<float>& weights = system_.settings().class_weights;
  if (weights.empty()) return static_cast<double>(examples.size());
  double sum = 0;
  for (const int32_t index : examples)
    sum += weights[static_cast<size_t>(train_.examples[static_cast<size_t>(index)].label)];
  return sum;
}

Variable ClassifierTraining::loss(Context& context, std::span<const int32_t> examples) {
  return system_.model().loss(context, make_classifier_batch(backend_, train_.examples, examples));
}

FineTuning::Loss ClassifierTraining::network_on(Backend& backend, Parameters& parameters) const {
  const auto model = std::make_shared<ClassifierModel>(Scope(parameters), system_.config(), system_.head());
  return [this, &backend, model](Context& context, std::span<const int32_t> chosen) {
    return model->loss(context, make_classifier_batch(backend, train_.examples, chosen));
  };
}

}  // namespace gradus
