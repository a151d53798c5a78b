#include "tasks/ner_tagger.h"

#include "core/error.h"
#include "data/batcher.h"
#include "tasks/metrics/clue_benchmark.h"
#include "tasks/metrics/entities.h"
#include "tasks/metrics/token_scores.h"
#include "tasks/ner_batch.h"

namespace gradus {
namespace {

std::vector<int32_t> lengths_of(const std::vector<NerExample>& examples) {
  std::vector<int32_t> lengths;
  lengths.reserve(examples.size());
  for (const NerExample& example : examples)
    lengths.push_back(static_cast<int32_t>(example.input_ids.size()));
  return lengths;
}

// A tag as the scorers shall see it: the special tags of the label protocols are no entities.
std::string scored(const LabelList& labels, int32_t id) { return std::string(scored_tag(labels.tag(id))); }

Scores score_spans(const NerData& data, const LabelList& labels,
                   const std::vector<std::vector<int32_t>>& predicted, std::string& report) {
  SpanScorer scorer;
  for (size_t s = 0; s < predicted.size(); ++s) {
    for (size_t w = 0; w < predicted[s].size(); ++w) {
      // The scorer parts letter and type at '-'; '_' is as good in label files.
      std::string gold = data.sentences[s].tags[w], found = scored(labels, predicted[s][w]);
      for (std::string* tag : {&gold, &found}) {
        if (tag->size() > 1 && (*tag)[1] == '_') (*tag)[1] = '-';
      }
      scorer.add_token(gold, found);
    }
    scorer.end_sentence();
  }
  const ConllevalResult result = scorer.result();
  report = result.report();
  return {{"span_f1", result.overall.f1()},
          {"span_precision", result.overall.precision()},
          {"span_recall", result.overall.recall()},
          {"accuracy", result.accuracy()}};
}

Scores score_tokens(const std::string& method, const NerData& data, const LabelList& labels,
                    const std::vector<std::vector<int32_t>>& predicted, std::string& report) {
  AccuracyCounts accuracy;
  BinaryF1 binary;
  MicroF1 micro;
  // The counts take 0 for outside, wherever the label list has "O". Tags need not be those of entities here.
  const auto class_of = [&](int32_t id) {
    const bool outside = id == labels.outside_id() || is_protocol_label(labels.tag(id));
    return outside ? 0 : id + 1;
  };
  for (size_t s = 0; s < predicted.size(); ++s) {
    std::vector<int32_t> gold_ids, found, gold;
    for (const std::string& tag : data.sentences[s].tags) gold_ids.push_back(labels.id(tag));
    for (const int32_t id : predicted[s]) found.push_back(class_of(id));
    for (const int32_t id : gold_ids) gold.push_back(class_of(id));
    accuracy.add(predicted[s], gold_ids);
    binary.add(found, gold);
    micro.add(found, gold);
  }
  if (method == "accuracy") {
    report = fmt::format("acc_num {} , total_num {}, accuracy {:.6f}\n", accuracy.correct, accuracy.total,
                         accuracy.accuracy());
    return {{"accuracy", 100 * accuracy.accuracy()}};
  }
  if (method == "MF1") {
    report = fmt::format("F1 {:.6f} \n", micro.f1());
    return {{"mf1", 100 * micro.f1()}};
  }
  report = fmt::format("Precision {:.6f} \nRecall {:.6f} \nF1 {:.6f} \n", binary.precision(), binary.recall(),
                       binary.f1());
  return {{"bf1", 100 * binary.f1()},
          {"bf1_precision", 100 * binary.precision()},
          {"bf1_recall", 100 * binary.recall()}};
}

Scores score_clue(const NerData& data, const LabelList& labels,
                  const std::vector<std::vector<int32_t>>& predicted, std::string& report) {
  ClueBenchmark benchmark;
  for (size_t s = 0; s < predicted.size(); ++s) {
    const NerSentence& sentence = data.sentences[s];
    std::vector<std::string> tags;
    for (const int32_t id : predicted[s]) tags.push_back(scored(labels, id));
    std::map<std::string, std::set<std::string>> gold;
    for (const auto& [type, mentions] : clue_mentions(sentence.words, sentence.tags)) {
      for (const auto& [text, place] : mentions) gold[type].insert(text);
    }
    benchmark.add_line(clue_mentions(sentence.words, tags), gold);
  }
  report = benchmark.report();
  Scores scores{{"clue_f1", 100 * benchmark.average_f1()}};
  for (const auto& [type, counts] : benchmark.types())
    scores.emplace_back("clue_f1_" + type, 100 * counts.f1());
  return scores;
}

}  // namespace

NerExamples NerTagger::examples(const NerData& data) const {
  const NerFeatureOptions features{options_.seq_length, system_.protocol(), LongSentences::overlap};
  return make_ner_examples(data, system_.tokenizer(), data.labelled ? &system_.labels() : nullptr, features);
}

std::vector<std::vector<int32_t>> NerTagger::predict(const NerData& data) const {
  std::vector<int64_t> words;
  for (const NerSentence& sentence : data.sentences)
    words.push_back(static_cast<int64_t>(sentence.words.size()));
  return predict(examples(data).examples, words);
}

std::vector<std::vector<int32_t>> NerTagger::predict(const std::vector<NerExample>& examples,
                                                     const std::vector<int64_t>& words) const {
  std::vector<std::vector<int32_t>> tags;
  for (const int64_t count : words)
    tags.emplace_back(static_cast<size_t>(count), system_.labels().outside_id());
  const RecordingScope scope(RecordingScope::Mode::evaluate);
  const std::vector<int32_t> lengths = lengths_of(examples);
  BatchPlan plan;
  plan.batch_size = options_.batch_size;
  plan.shuffle = false;
  plan.group_lengths = options_.group_lengths;
  for (const std::vector<int32_t>& chosen : make_batches(lengths, plan, 0)) {
    Context context;
    context.compute_type = options_.compute_type;
    const NerBatch batch = make_ner_batch(backend_, examples, chosen);
    const std::vector<int32_t> predicted = system_.model().predict(context, batch).to_host_int();
    size_t row = 0;
    for (const int32_t index : chosen) {
      const NerExample& example = examples[static_cast<size_t>(index)];
      for (const int32_t word : example.words) {
        const int32_t tag = predicted[row++];
        if (word < example.scored_begin || word >= example.scored_end) continue;
        tags[static_cast<size_t>(example.sentence)][static_cast<size_t>(word)] = tag;
      }
    }
  }
  return tags;
}

void check_tags(const std::string& method, const NerData& data) {
  if (method != "span" && method != "clue_benchmark") return;
  for (const NerSentence& sentence : data.sentences) {
    for (size_t i = 0; i < sentence.tags.size(); ++i) {
      try {
        split_tag(sentence.tags[i]);
      } catch (const Error& error) {
        fail("{}:{}: word '{}': {}: --assessment_method {} scores entities, accuracy any tag", data.path,
             sentence.lines[i], sentence.words[i], error.what(), method);
      }
    }
  }
}

Scores score_tags(const std::string& method, const NerData& data, const LabelList& labels,
                  const std::vector<std::vector<int32_t>>& predicted, std::string& report) {
  if (method == "span") return score_spans(data, labels, predicted, report);
  if (method == "clue_benchmark") return score_clue(data, labels, predicted, report);
  return score_tokens(method, data, labels, predicted, report);
}

}  // namespace gradus
