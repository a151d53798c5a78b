#include "tasks/classifier/training.h"

#include <bit>

#include "tasks/classifier/batch.h"

namespace gradus {
namespace {

// What an example is given, as numbers: its class, the labels that hold, or its score.
std::vector<int32_t> target_of(const ClassificationExample& example, const ClassifierSystem& system) {
  switch (system.problem()) {
    case ProblemType::multi_label:
      return example.labels;
    case ProblemType::regression:
      return {std::bit_cast<int32_t>(example.score)};
    case ProblemType::single_label:
      break;
  }
  return {example.label};
}

}  // namespace

void ClassifierTraining::score_by(ClassifierEvaluation& evaluation) {
  evaluation_ = &evaluation;
  for (const ClassificationExample& example : evaluation.set().examples)
    add_evaluation_example({example.input_ids, example.segment_ids, target_of(example, system_)});
}

void ClassifierTraining::add(std::span<const ClassificationExample> examples) {
  for (const ClassificationExample& example : examples)
    add_example(example.input_ids.size(),
                {example.input_ids, example.segment_ids, target_of(example, system_)});
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
  switch (system_.problem()) {
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
  return pack_classifier(backend, examples, chosen, system_.head());
}

std::vector<Variable> ClassifierTraining::losses(Context& context, const Batch& batch) {
  return {system_.model().loss(context, classifier_batch(batch, system_.problem()))};
}

FineTuning::Losses ClassifierTraining::network_in(Parameters& parameters) const {
  const auto model = std::make_shared<ClassifierModel>(Scope(parameters), system_.config(), system_.head());
  return [model, problem = system_.problem()](Context& context, const Batch& batch) {
    return std::vector{model->loss(context, classifier_batch(batch, problem))};
  };
}

}  // namespace gradus
