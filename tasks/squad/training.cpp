#include "tasks/squad/training.h"

#include <array>
#include <bit>

#include "core/io/crc32c.h"
#include "tasks/squad/batch.h"

namespace gradus {

SquadTraining::SquadTraining(Backend& backend, SquadSystem& system, const SquadTrainingSet& train,
                             SquadEvaluation* evaluation)
    : FineTuning(system), backend_(backend), system_(system), train_(train), evaluation_(evaluation) {
  for (const SquadFeature& feature : train.features) {
    const SquadWindow& window = feature.window;
    const std::array<int32_t, 3> places{window.context_begin, window.start, window.end};
    add_example(window.input_ids.size(), {window.input_ids, places});
  }
  if (evaluation == nullptr) return;
  for (const SquadFeature& feature : evaluation->questions().features())
    add_evaluation_example({feature.window.input_ids});
  for (const SquadQuestion& question : evaluation->questions().data().questions) {
    for (const SquadAnswer& answer : question.answers)
      add_evaluation_example({std::array{std::bit_cast<int32_t>(crc32c(answer.text))}});
  }
}

Variable SquadTraining::loss(Context& context, std::span<const int32_t> examples) {
  return system_.model().loss(context, make_squad_batch(backend_, train_.features, examples));
}

FineTuning::Loss SquadTraining::network_on(Backend& backend, Parameters& parameters) const {
  const auto model = std::make_shared<SquadModel>(Scope(parameters), system_.config());
  return [this, &backend, model](Context& context, std::span<const int32_t> chosen) {
    return model->loss(context, make_squad_batch(backend, train_.features, chosen));
  };
}

}  // namespace gradus
