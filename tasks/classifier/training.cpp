#include "tasks/classifier/training.h"

#include <array>
#include <bit>

#include "tasks/classifier/batch.h"

namespace gradus {

namespace {

// The class or the score of an example as one number.
std::array<int32_t, 1> target_of(const ClassificationExample& example, const ClassifierSystem& system) {
  return {system.labels() ? example.label : std::bit_cast<int32_t>(example.score)};
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

void ClassifierTraining::stream(ClassificationRecordStream records, int64_t length) {
  const auto source = std::make_shared<const ClassificationRecordStream>(std::move(records));
  const std::vector<int32_t> zeros(static_cast<size_t>(length), 0);
  FineTuning::stream({.records = source->records(),
                      .packer =
                          [this, source](const Backend& backend) {
                            return std::make_unique<ExamplePacker<ClassificationExample>>(
                                [source](const DatasetReader& reader, const DatasetRow& row) {
                                  return source->example(reader, row);
                                },
                                [this, &backend](std::span<const ClassificationExample> examples,
                                                 std::span<const int32_t> chosen) {
                                  return pack_classifier(backend, examples, chosen,
                                                         system_.settings().class_weights);
                                });
                          },
                      .longest = {zeros, zeros, {0}}});
}

HostBatch ClassifierTraining::pack(const Backend& backend, std::span<const NumberLists> lists) const {
  std::vector<ClassificationExample> examples;
  for (const NumberLists& of_one : lists) {
    ClassificationExample& example = examples.emplace_back();
    example.input_ids = of_one[0];
    example.segment_ids = of_one[1];
    if (system_.labels()) example.label = of_one[2][0];
    else example.score = std::bit_cast<float>(of_one[2][0]);
  }
  return pack_classifier(backend, examples, numbers_below(std::ssize(examples)),
                         system_.settings().class_weights);
}

std::vector<Variable> ClassifierTraining::losses(Context& context, const Batch& batch) {
  return {system_.model().loss(context, classifier_batch(batch))};
}

FineTuning::Losses ClassifierTraining::network_in(Parameters& parameters) const {
  const auto model = std::make_shared<ClassifierModel>(Scope(parameters), system_.config(), system_.head());
  return [model](Context& context, const Batch& batch) {
    return std::vector{model->loss(context, classifier_batch(batch))};
  };
}

}  // namespace gradus
