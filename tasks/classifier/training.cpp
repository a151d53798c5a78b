#include "tasks/classifier/training.h"

#include <bit>

#include "tasks/classifier/batch.h"

namespace gradus {

void ClassifierTraining::add(std::span<const ClassificationExample> examples) {
  for (const ClassificationExample& example : examples)
    add_example(example.input_ids.size(),
                {example.input_ids, example.segment_ids, target_numbers(example, system().problem())});
}

void ClassifierTraining::stream_records(ClassificationRecordStream records, int64_t length) {
  const auto source = std::make_shared<const ClassificationRecordStream>(std::move(records));
  const auto read = [source](const DatasetReader& reader, const DatasetRow& row) {
    return source->example(reader, row);
  };
  const std::vector<int32_t> zeros(static_cast<size_t>(length), 0);
  stream_examples(source->records(), read, {zeros, zeros, {0}});
}

ClassificationExample ClassifierTraining::example_of(const NumberLists& lists) const {
  ClassificationExample example;
  example.input_ids = lists[0];
  example.segment_ids = lists[1];
  switch (system().problem()) {
    case ProblemType::single_label:
      example.label = lists[2][0];
      break;
    case ProblemType::multi_label:
      example.labels = lists[2];
      break;
    case ProblemType::regression:
      example.score = std::bit_cast<float>(lists[2][0]);
      break;
  }
  return example;
}

HostBatch ClassifierTraining::pack_examples(const Backend& backend,
                                            std::span<const ClassificationExample> examples,
                                            std::span<const int32_t> chosen) const {
  return pack_classifier(backend, examples, chosen, system().head());
}

std::vector<Variable> ClassifierTraining::losses_of(const ClassifierModel& model, Context& context,
                                                    const Batch& batch) const {
  return {model.loss(context, classifier_batch(batch, system().problem()))};
}

}  // namespace gradus
