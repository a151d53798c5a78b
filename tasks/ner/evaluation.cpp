#include "tasks/ner/evaluation.h"

#include <chrono>

#include "core/error.h"
#include "nn/crf.h"
#include "tasks/metrics/entities.h"
#include "tasks/metrics/token_scores.h"

namespace gradus {
namespace {

// A tag as the scorers shall see it: the special tags of the label protocols are no entities.
std::string scored(const LabelList& labels, int32_t id) { return std::string(scored_tag(labels.tag(id))); }

}  // namespace

ConllevalResult span_counts(const NerData& data, const LabelList& labels,
                            const std::vector<std::vector<int32_t>>& predicted) {
  // Tags of the schemes that mark the ends of entities are turned into those of BIO, all others are left as they are.
  const bool closed = closes_spans(labels.tags());
  const auto as_scored = [&](std::string tag) {
    if (closed) return as_bio(tag);
    // The scorer parts letter and type at '-'; '_' is as good in label files.
    if (tag.size() > 1 && tag[1] == '_') tag[1] = '-';
    return tag;
  };
  SpanScorer scorer;
  for (size_t s = 0; s < predicted.size(); ++s) {
    for (size_t w = 0; w < predicted[s].size(); ++w) {
      scorer.add_token(as_scored(data.sentences[s].tags[w]), as_scored(scored(labels, predicted[s][w])));
    }
    scorer.end_sentence();
  }
  return scorer.result();
}

ClueBenchmark mention_counts(const NerData& data, const LabelList& labels,
                             const std::vector<std::vector<int32_t>>& predicted) {
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
  return benchmark;
}

namespace {

Scores score_spans(const NerData& data, const LabelList& labels,
                   const std::vector<std::vector<int32_t>>& predicted, std::string& report) {
  const ConllevalResult result = span_counts(data, labels, predicted);
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
  const ClueBenchmark benchmark = mention_counts(data, labels, predicted);
  report = benchmark.report();
  Scores scores{{"clue_f1", 100 * benchmark.average_f1()}};
  for (const auto& [type, counts] : benchmark.types())
    scores.emplace_back("clue_f1_" + type, 100 * counts.f1());
  return scores;
}

}  // namespace

bool scores_entities(const std::string& method) { return method == "span" || method == "clue_benchmark"; }

void check_tags(const std::string& method, const NerData& data) {
  if (!scores_entities(method)) return;
  for (size_t s = 0; s < data.sentences.size(); ++s) {
    const NerSentence& sentence = data.sentences[s];
    for (size_t i = 0; i < sentence.tags.size(); ++i) {
      try {
        split_tag(sentence.tags[i]);
      } catch (const Error& error) {
        fail("{}: word '{}': {}: --assessment_method {} scores entities, accuracy any tag", data.where(s, i),
             sentence.words[i], error.what(), method);
      }
    }
  }
}

void check_labels(const std::string& method, const LabelList& labels, const std::string& source) {
  if (!scores_entities(method)) return;
  for (const std::string& tag : labels.tags()) {
    check(is_entity_tag(tag),
          "{}: the label '{}' is not an entity's (B-PER, I-PER, ...): --assessment_method {} scores "
          "entities, accuracy any tag",
          source, tag, method);
  }
}

Scores score_tags(const std::string& method, const NerData& data, const LabelList& labels,
                  const std::vector<std::vector<int32_t>>& predicted, std::string& report) {
  if (method == "span") return score_spans(data, labels, predicted, report);
  if (method == "clue_benchmark") return score_clue(data, labels, predicted, report);
  return score_tokens(method, data, labels, predicted, report);
}

NerEvaluation::NerEvaluation(const NerTagger& tagger, const LabelList& labels, const NerData& data,
                             NerExamples examples, std::string method)
    : tagger_(tagger),
      labels_(labels),
      data_(data),
      method_(std::move(method)),
      examples_(std::move(examples)) {}

const NerReport& NerEvaluation::run() {
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::vector<int32_t>> predicted = tagger_.predict(data_, examples_.examples);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  NerReport& report = latest_.emplace();
  report.sentences_per_second = static_cast<double>(data_.sentences.size()) / seconds;
  report.scores = score_tags(method_, data_, labels_, predicted, report.text);
  report.predicted = std::move(predicted);
  return report;
}

}  // namespace gradus
