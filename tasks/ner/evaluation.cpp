#include "tasks/ner/evaluation.h"

#include "core/error.h"
#include "tasks/metrics/entities.h"
#include "tasks/metrics/token_scores.h"
#include "tasks/ner/tags.h"

namespace gradus {

// The labels' reader reads the tags of the data too: all of them are among the labels, but for '_' and '-'.
ConllevalResult span_counts(const NerData& data, const LabelList& labels, const TagReader& reader,
                            const std::vector<std::vector<int32_t>>& predicted) {
  ConllevalResult result;
  for (size_t s = 0; s < predicted.size(); ++s) {
    const std::vector<std::string>& tags = data.sentences[s].tags;
    const std::vector<TagParts> gold = reader.parts(tags), found = parts_of(predicted[s], labels, reader);
    for (size_t w = 0; w < found.size(); ++w) {
      const bool both_outside = gold[w].position == 'O' && found[w].position == 'O';
      result.correct_tokens += both_outside || same_tag(tags[w], labels.tag(predicted[s][w])) ? 1 : 0;
    }
    result.tokens += std::ssize(found);
    count_entities(reader.entities(gold), reader.entities(found), result);
  }
  return result;
}

ClueBenchmark mention_counts(const NerData& data, const LabelList& labels, const TagReader& reader,
                             const std::vector<std::vector<int32_t>>& predicted) {
  const TagScheme scheme = reader.schemes().front();
  const bool begins = scheme == TagScheme::iob2 || scheme == TagScheme::iobes;
  ClueBenchmark benchmark;
  for (size_t s = 0; s < predicted.size(); ++s) {
    const NerSentence& sentence = data.sentences[s];
    const auto mentions = [&](const std::vector<TagParts>& tags) {
      return begins ? clue_mentions(sentence.words, tags)
                    : clue_mentions(sentence.words, reader.entities(tags));
    };
    std::map<std::string, std::set<std::string>> gold;
    for (const auto& [type, texts] : mentions(reader.parts(sentence.tags))) {
      for (const auto& [text, place] : texts) gold[type].insert(text);
    }
    benchmark.add_line(mentions(parts_of(predicted[s], labels, reader)), gold);
  }
  return benchmark;
}

namespace {

Scores score_spans(const std::string& name, const NerData& data, const LabelList& labels,
                   const TagReader& reader, const std::vector<std::vector<int32_t>>& predicted,
                   std::string& report) {
  const ConllevalResult result = span_counts(data, labels, reader, predicted);
  report = result.report();
  return {{name + "_f1", result.overall.f1()},
          {name + "_precision", result.overall.precision()},
          {name + "_recall", result.overall.recall()},
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

Scores score_clue(const NerData& data, const LabelList& labels, const TagReader& reader,
                  const std::vector<std::vector<int32_t>>& predicted, std::string& report) {
  const ClueBenchmark benchmark = mention_counts(data, labels, reader, predicted);
  report = benchmark.report();
  Scores scores{{"clue_f1", 100 * benchmark.average_f1()}};
  for (const auto& [type, counts] : benchmark.types())
    scores.emplace_back("clue_f1_" + type, 100 * counts.f1());
  return scores;
}

}  // namespace

Scores score_tags(const std::string& method, const NerData& data, const LabelList& labels,
                  const TagReader& reader, const std::vector<std::vector<int32_t>>& predicted,
                  std::string& report) {
  if (method == "span" || method == "span_strict")
    return score_spans(method, data, labels, reader, predicted, report);
  if (method == "clue_benchmark") return score_clue(data, labels, reader, predicted, report);
  return score_tokens(method, data, labels, predicted, report);
}

NerEvaluation::NerEvaluation(const NerTagger& tagger, const NerSystem& system, const NerData& data,
                             NerExamples examples, std::string method)
    : tagger_(tagger),
      system_(system),
      data_(data),
      method_(std::move(method)),
      examples_(std::move(examples)) {}

uint32_t NerEvaluation::checksum() const {
  NumbersChecksum checksum;
  for (const NerExample& example : examples_.examples) checksum.add({example.input_ids, example.labels});
  return checksum.value();
}

NerReport NerEvaluation::report_on(std::vector<std::vector<int32_t>> predicted) {
  NerReport report;
  report.scores = score_tags(method_, data_, labels(), reader(), predicted, report.text);
  report.predicted = std::move(predicted);
  return report;
}

}  // namespace gradus
