#include "tasks/squad/training.h"

#include <array>

#include "tasks/squad/batch.h"

namespace gradus {

void SquadTraining::add(std::span<const SquadFeature> features) {
  for (const SquadFeature& feature : features) {
    const SquadWindow& window = feature.window;
    const std::array<int32_t, 3> places{window.context_begin, window.start, window.end};
    add_example(window.input_ids.size(), {window.input_ids, places});
  }
}

void SquadTraining::stream_records(SquadRecordStream records, int64_t length) {
  const auto source = std::make_shared<const SquadRecordStream>(std::move(records));
  const auto read = [source](const DatasetReader& reader, const DatasetRow& row) {
    return std::optional(SquadFeature{0, source->window(reader, row)});
  };
  stream_examples(source->records(), read, {std::vector<int32_t>(static_cast<size_t>(length), 0), {1, 0, 0}});
}

SquadFeature SquadTraining::example_of(const NumberLists& lists) const {
  SquadFeature feature{0, {}};
  feature.window.input_ids = lists[0];
  feature.window.context_begin = lists[1][0];
  feature.window.start = lists[1][1];
  feature.window.end = lists[1][2];
  return feature;
}

HostBatch SquadTraining::pack_examples(const Backend& backend, std::span<const SquadFeature> features,
                                       std::span<const int32_t> chosen) const {
  return pack_squad(backend, features, chosen);
}

std::vector<Variable> SquadTraining::losses_of(const SquadModel& model, Context& context,
                                               const Batch& batch) const {
  return {model.loss(context, squad_batch(batch))};
}

}  // namespace gradus
