#include "tasks/topic/evaluation.h"

#include <algorithm>
#include <array>

#include "data/batcher.h"
#include "tasks/metrics/finite_scores.h"
#include "tasks/topic/batch.h"

namespace gradus {

TopicPredictor::TopicPredictor(Backend& backend, const TopicSystem& system, const TopicOptions& options)
    : backend_(backend),
      options_(options),
      width_(static_cast<size_t>(system.labels().size())),
      loop_(backend, options.device.dtype(),
            system.forward([&model = system.model()](Context& context, const Batch& batch) {
              return std::vector{model.logits(context, topic_batch(batch)).value()};
            })) {}

std::vector<int32_t> TopicPredictor::run(const std::vector<TopicExample>& examples,
                                         const std::function<std::string(size_t)>& where) const {
  std::vector<int32_t> labels(examples.size()), lengths;
  for (const TopicExample& example : examples)
    lengths.push_back(static_cast<int32_t>(example.input_ids.size()));
  loop_.run(
      evaluation_batches(lengths, options_.train.eval_batch_size, options_.eval_pad == "grouped"),
      [&](std::span<const int32_t> chosen) { return pack_topics(backend_, examples, chosen); },
      [&](const HostBatch& batch, BatchResults results) {
        std::span<const float> rows = results[0]->wait_for<float>();
        for (const int64_t number : batch.numbers) {
          const auto i = static_cast<size_t>(number);
          const std::span<const float> scores = rows.first(width_);
          rows = rows.subspan(width_);
          check_finite_scores(scores, [&] { return where(i); });
          labels[i] = static_cast<int32_t>(std::ranges::max_element(scores) - scores.begin());
        }
      });
  return labels;
}

uint32_t TopicEvaluation::checksum() const {
  NumbersChecksum checksum;
  for (const TopicExample& example : set_.examples)
    checksum.add({example.input_ids, std::array{example.label}});
  return checksum.value();
}

std::vector<int32_t> TopicEvaluation::compute() const {
  return predictor_.run(set_.examples, [this](size_t i) { return set_.texts[i].where; });
}

TopicReport TopicEvaluation::report_on(std::vector<int32_t> predicted) {
  TopicReport report;
  int64_t right = 0;
  for (size_t i = 0; i < predicted.size(); ++i) right += predicted[i] == set_.examples[i].label ? 1 : 0;
  report.scores = {{"accuracy", 100.0 * static_cast<double>(right) / static_cast<double>(predicted.size())}};
  report.text = fmt::format("{} of {} topics are right\n", right, predicted.size());
  report.predicted = std::move(predicted);
  return report;
}

std::string TopicEvaluation::remark() const {
  if (!latest()) return {};
  const std::vector<int32_t>& predicted = latest()->predicted;
  if (std::ranges::any_of(predicted, [&](int32_t label) { return label != predicted.front(); })) return {};
  return fmt::format("every prediction is '{}'", system_.labels().name(predicted.front()));
}

}  // namespace gradus
