#include "tasks/ner_training.h"

#include <algorithm>

#include "core/crc32c.h"
#include "core/measuring_backend.h"
#include "data/batcher.h"
#include "nn/crf.h"
#include "tasks/ner_batch.h"

namespace gradus {
namespace {

std::string mebibytes(int64_t bytes) {
  return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1 << 20));
}

std::string_view bytes_of(const std::vector<int32_t>& numbers) {
  return {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(int32_t)};
}

// The loss of a sequence that the constraints forbid is a constant of thousands: nothing could be learned from it.
void check_constraints(const NerData& data, const std::vector<NerExample>& examples,
                       const LabelList& labels) {
  const bool closed = closes_spans(labels.tags());
  for (const NerExample& example : examples) {
    const NerSentence& sentence = data.sentences[static_cast<size_t>(example.sentence)];
    std::string before;
    for (size_t i = 0; i <= example.labels.size(); ++i) {
      const bool ends = i == example.labels.size();
      const std::string tag = ends ? std::string() : labels.tag(example.labels[i]);
      if (!transition_allowed(before, tag, closed)) {
        const size_t place = std::min(i, example.labels.size() - 1);
        const auto word = static_cast<size_t>(std::max(example.words[place], 0));
        fail("{}: word '{}': {} {}, which --crf_constraints forbids",
             data.where(static_cast<size_t>(example.sentence), word), sentence.words[word],
             ends ? fmt::format("the sequence ends with {}", before) : fmt::format("the tag {}", tag),
             ends             ? std::string("within a name")
             : before.empty() ? std::string("begins a sequence")
                              : fmt::format("follows {}", before));
      }
      before = tag;
    }
  }
}

}  // namespace

NerTraining::NerTraining(Backend& backend, NerSystem& system, const NerData& train, NerExamples examples,
                         NerEvaluation* evaluation)
    : backend_(backend), system_(system), train_(std::move(examples)), evaluation_(evaluation) {
  for (const NerExample& example : train_.examples) {
    lengths_.push_back(static_cast<int32_t>(example.input_ids.size()));
    checksum_ = crc32c(bytes_of(example.labels), crc32c(bytes_of(example.input_ids), checksum_));
  }
  if (system.head().crf_constraints) check_constraints(train, train_.examples, system.labels());
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

std::string MemoryPlan::str() const {
  return fmt::format("parameters {}, gradients {}, optimizer {}, activations {}: {} in all",
                     mebibytes(parameters), mebibytes(gradients), mebibytes(optimizer),
                     mebibytes(activations), mebibytes(parameters + gradients + optimizer + activations));
}

MemoryPlan plan_memory(const NerSystem& system, const NerExamples& examples, const TrainConfig& config) {
  MeasuringBackend backend;
  Parameters parameters;
  const NerModel model{Scope(parameters), system.config(), system.head()};
  parameters.allocate(backend, Parameters::Use::training, config.compute_type);
  MemoryPlan plan;
  plan.gradients = static_cast<int64_t>(parameters.gradients().bytes());
  plan.parameters = static_cast<int64_t>(backend.memory().current) - plan.gradients;
  plan.optimizer = 2 * plan.gradients;

  std::vector<int32_t> lengths;
  for (const NerExample& example : examples.examples)
    lengths.push_back(static_cast<int32_t>(example.input_ids.size()));
  const auto tokens = [&](const std::vector<int32_t>& batch) {
    int64_t sum = 0;
    for (const int32_t example : batch) sum += lengths[static_cast<size_t>(example)];
    return sum;
  };
  std::vector<int32_t> largest;
  int64_t most = -1;
  for (int64_t epoch = 0; epoch < std::max<int64_t>(config.epochs, 1); ++epoch) {
    for (const std::vector<int32_t>& batch :
         make_batches(lengths, batch_plan(config), static_cast<uint32_t>(epoch))) {
      if (tokens(batch) <= most) continue;
      most = tokens(batch);
      largest = batch;
    }
  }
  const size_t before = backend.memory().current;
  Context context{true, config.compute_type, RandomStream(1, 0, 0, 0)};
  backward(model.loss(context, make_ner_batch(backend, examples.examples, largest), 1));
  plan.activations = static_cast<int64_t>(backend.memory().peak - before);
  return plan;
}

}  // namespace gradus
