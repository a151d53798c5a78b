#include "tasks/ner/tagger.h"

#include "core/error.h"
#include "data/batcher.h"
#include "tasks/metrics/finite_scores.h"
#include "tasks/ner/batch.h"

namespace gradus {
namespace {

std::vector<int32_t> lengths_of(const std::vector<NerExample>& examples) {
  std::vector<int32_t> lengths;
  lengths.reserve(examples.size());
  for (const NerExample& example : examples)
    lengths.push_back(static_cast<int32_t>(example.input_ids.size()));
  return lengths;
}

}  // namespace

NerTagger::NerTagger(Backend& backend, const NerSystem& system, TaggerOptions options)
    : backend_(backend),
      system_(system),
      options_(options),
      loop_(backend, options.compute_type,
            system.forward([&model = system.model()](Context& context, const Batch& on_device) {
              const NerBatch batch = ner_batch(on_device);
              const Tensor emissions = model.emissions(context, batch).value();
              return std::vector{emissions, model.decode(emissions, batch)};
            })) {}

NerExamples NerTagger::examples(const NerData& data) const {
  const NerFeatureOptions features{options_.seq_length, system_.protocol(), LongSentences::overlap};
  return make_ner_examples(data, system_.tokenizer(), data.labelled ? &system_.labels() : nullptr, features);
}

std::vector<std::vector<int32_t>> NerTagger::predict(const NerData& data, NerCounts& counts) const {
  const NerExamples made = examples(data);
  counts += made.counts;
  return predict(data, made.examples);
}

std::vector<std::vector<int32_t>> NerTagger::predict(const NerData& data,
                                                     const std::vector<NerExample>& examples) const {
  std::vector<std::vector<int32_t>> tags;
  for (const NerSentence& sentence : data.sentences)
    tags.emplace_back(sentence.words.size(), system_.labels().outside_id());
  if (!system_.runs_exported()) system_.model().check_decoding();
  loop_.run(
      evaluation_batches(lengths_of(examples), options_.batch_size, options_.group_lengths),
      [&](std::span<const int32_t> chosen) { return pack_ner(backend_, examples, chosen); },
      [&](const HostBatch& batch, BatchResults results) {
        const std::span<const float> scores = results[0]->wait_for<float>();
        const std::span<const int32_t> predicted = results[1]->wait_for<int32_t>();
        const auto classes = static_cast<size_t>(system_.labels().size());
        size_t row = 0;
        for (const int64_t number : batch.numbers) {
          const NerExample& example = examples[static_cast<size_t>(number)];
          check_finite_scores(scores.subspan(row * classes, example.words.size() * classes),
                              [&] { return data.where(static_cast<size_t>(example.sentence), 0); });
          for (const int32_t word : example.words) {
            const int32_t tag = predicted[row++];
            if (word < example.scored_begin || word >= example.scored_end) continue;
            tags[static_cast<size_t>(example.sentence)][static_cast<size_t>(word)] = tag;
          }
        }
      });
  return tags;
}

}  // namespace gradus
