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
  const RecordingScope scope(RecordingScope::Mode::evaluate);
  system_.model().check_decoding();
  const std::vector<int32_t> lengths = lengths_of(examples);
  for (const std::vector<int32_t>& chosen :
       evaluation_batches(lengths, options_.batch_size, options_.group_lengths)) {
    Context context;
    context.compute_type = options_.compute_type;
    const NerBatch batch = make_ner_batch(backend_, examples, chosen);
    const Tensor emissions = system_.model().emissions(context, batch).value();
    const Tensor decoded = system_.model().decode(emissions, batch);
    // Both are on their way before the host waits for one.
    const std::unique_ptr<HostCopy> tag_copy = backend_.begin_copy_to_host(decoded);
    const std::unique_ptr<HostCopy> score_copy = backend_.begin_copy_to_host(emissions);
    const std::span<const float> scores = score_copy->wait_for<float>();
    const std::span<const int32_t> predicted = tag_copy->wait_for<int32_t>();
    const auto classes = static_cast<size_t>(emissions.shape()[1]);
    size_t row = 0;
    for (const int32_t index : chosen) {
      const NerExample& example = examples[static_cast<size_t>(index)];
      check_finite_scores(scores.subspan(row * classes, example.words.size() * classes),
                          [&] { return data.where(static_cast<size_t>(example.sentence), 0); });
      for (const int32_t word : example.words) {
        const int32_t tag = predicted[row++];
        if (word < example.scored_begin || word >= example.scored_end) continue;
        tags[static_cast<size_t>(example.sentence)][static_cast<size_t>(word)] = tag;
      }
    }
  }
  return tags;
}

}  // namespace gradus
