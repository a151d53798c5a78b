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

TaggerOptions TaggerOptions::of(const NerOptions& options) {
  return {options.train.eval_batch_size, options.eval_pad == "grouped",
          static_cast<int32_t>(options.seq_length), options.device.dtype()};
}

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

void NerTagger::run(const std::vector<NerExample>& examples, const TakeTags& take) const {
  if (!system_.runs_exported()) system_.model().check_decoding();
  loop_.run(
      evaluation_batches(lengths_of(examples), options_.batch_size, options_.group_lengths),
      [&](std::span<const int32_t> chosen) { return pack_ner(backend_, examples, chosen); },
      [&](const HostBatch& batch, BatchResults results) {
        std::span<const float> scores = results[0]->wait_for<float>();
        std::span<const int32_t> tags = results[1]->wait_for<int32_t>();
        const auto classes = static_cast<size_t>(system_.labels().size());
        for (const int64_t number : batch.numbers) {
          const auto example = static_cast<size_t>(number);
          const size_t seen = examples[example].first_pieces.size();
          take(example, scores.first(seen * classes), tags.first(seen));
          scores = scores.subspan(seen * classes);
          tags = tags.subspan(seen);
        }
      });
}

std::vector<std::vector<int32_t>> NerTagger::predict(const NerData& data,
                                                     const std::vector<NerExample>& examples) const {
  std::vector<std::vector<int32_t>> tags = all_outside(data, system_.labels());
  run(examples, [&](size_t number, std::span<const float> scores, std::span<const int32_t> predicted) {
    const NerExample& example = examples[number];
    check_finite_scores(scores, [&] { return data.where(static_cast<size_t>(example.sentence), 0); });
    take_scored_tags(example, predicted, tags);
  });
  return tags;
}

std::vector<std::vector<int32_t>> all_outside(const NerData& data, const LabelList& labels) {
  std::vector<std::vector<int32_t>> tags;
  for (const NerSentence& sentence : data.sentences)
    tags.emplace_back(sentence.words.size(), labels.outside_id());
  return tags;
}

void take_scored_tags(const NerExample& example, std::span<const int32_t> predicted,
                      std::vector<std::vector<int32_t>>& tags) {
  for (size_t i = 0; i < example.words.size(); ++i) {
    const int32_t word = example.words[i];
    if (word < example.scored_begin || word >= example.scored_end) continue;
    tags[static_cast<size_t>(example.sentence)][static_cast<size_t>(word)] = predicted[i];
  }
}

}  // namespace gradus
