#include "tasks/classifier/batch.h"

#include <bit>

namespace gradus {
namespace {

// The classes of the examples. Returns their weight.
double add_classes(HostBatch& batch, const Backend& backend, std::span<const ClassificationExample> examples,
                   std::span<const int32_t> chosen, const ClassifierHeadConfig& head) {
  std::vector<int32_t> labels;
  double weight = 0;
  for (const int32_t index : chosen) {
    const int32_t label = examples[static_cast<size_t>(index)].label;
    labels.push_back(label);
    // An example to predict has no class.
    weight += head.class_weights.empty() || label < 0
                  ? 1
                  : static_cast<double>(head.class_weights[static_cast<size_t>(label)]);
  }
  add_padded(batch, "labels", std::move(labels), -100, backend);
  return weight;
}

// 1 where a label holds. Returns how many numbers there are.
double add_labels(HostBatch& batch, std::span<const ClassificationExample> examples,
                  std::span<const int32_t> chosen, int64_t classes) {
  std::vector<float> targets(chosen.size() * static_cast<size_t>(classes), 0);
  size_t begin = 0;
  for (const int32_t index : chosen) {
    for (const int32_t id : examples[static_cast<size_t>(index)].labels)
      targets[begin + static_cast<size_t>(id)] = 1;
    begin += static_cast<size_t>(classes);
  }
  batch.add("targets", {std::ssize(chosen), classes}, std::span<const float>(targets));
  return static_cast<double>(targets.size());
}

double add_scores(HostBatch& batch, std::span<const ClassificationExample> examples,
                  std::span<const int32_t> chosen) {
  std::vector<float> scores;
  for (const int32_t index : chosen) scores.push_back(examples[static_cast<size_t>(index)].score);
  batch.add("targets", {std::ssize(scores)}, std::span<const float>(scores));
  return static_cast<double>(scores.size());
}

}  // namespace

std::vector<int32_t> target_numbers(const ClassificationExample& example, ProblemType problem) {
  switch (problem) {
    case ProblemType::multi_label:
      return example.labels;
    case ProblemType::regression:
      return {std::bit_cast<int32_t>(example.score)};
    case ProblemType::single_label:
      break;
  }
  return {example.label};
}

HostBatch pack_classifier(const Backend& backend, std::span<const ClassificationExample> examples,
                          std::span<const int32_t> chosen, const ClassifierHeadConfig& head) {
  HostBatch batch;
  TokenPacker tokens;
  std::vector<int32_t> first_rows;
  for (const int32_t index : chosen) {
    const ClassificationExample& example = examples[static_cast<size_t>(index)];
    first_rows.push_back(tokens.rows());
    tokens.add(example.input_ids, example.segment_ids);
    batch.numbers.push_back(index);
  }
  tokens.add_to(batch, backend);
  add_padded(batch, "first_rows", std::move(first_rows), -1, backend);
  switch (head.problem) {
    case ProblemType::single_label:
      batch.weights = {add_classes(batch, backend, examples, chosen, head)};
      break;
    case ProblemType::multi_label:
      batch.weights = {add_labels(batch, examples, chosen, head.classes)};
      break;
    case ProblemType::regression:
      batch.weights = {add_scores(batch, examples, chosen)};
      break;
  }
  return batch;
}

ClassifierBatch classifier_batch(const Batch& batch, ProblemType problem) {
  const bool has_classes = problem == ProblemType::single_label;
  return {tokens_of(batch), batch["first_rows"], has_classes ? batch["labels"] : Tensor(),
          has_classes ? Tensor() : batch["targets"]};
}

}  // namespace gradus
