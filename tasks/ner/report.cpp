#include "tasks/ner/report.h"

#include <algorithm>
#include <functional>

#include "tasks/ner/predict.h"
#include "tasks/ner/tags.h"
#include "tasks/report/marked_text.h"

namespace gradus {
namespace {

constexpr ScoreName score_names[] = {
    {"span_f1", "F1", "harmonic mean of precision and recall of names"},
    {"span_precision", "precision", "names predicted that are right, from the first word to the last"},
    {"span_recall", "recall", "names in the data that were found"},
    {"span_strict_f1", "F1", "of names that are written as the scheme wants it"},
    {"span_strict_precision", "precision", "names predicted, as the scheme wants it, that are right"},
    {"span_strict_recall", "recall", "names in the data, as the scheme wants it, that were found"},
    {"accuracy", "accuracy", "words whose tag is right"},
    {"bf1", "BF1", "of words in names against words outside, whatever the type"},
    {"bf1_precision", "precision", "words predicted to be in names that are in some"},
    {"bf1_recall", "recall", "words in names that were predicted to be in some"},
    {"mf1", "MF1", "of the tags of words in names"},
    {"clue_f1", "mean F1", "of the types, each counting alike"},
};
constexpr size_t shown_beside_names = 120;  // characters

std::vector<TextSpan> spans_of(const std::vector<Entity>& entities, const TextWords& words) {
  std::vector<TextSpan> spans;
  for (const Entity& entity : entities) {
    const auto [begin, end] = place_of(entity, words);
    spans.push_back({begin, end, shown_type(entity)});
  }
  return spans;
}

// A sentence with the names in it, and how many of them are wrong.
struct MarkedSentence {
  size_t sentence = 0;
  int64_t wrong = 0;
  std::vector<ReportSegment> text = {};
};

MarkedSentence mark(const NerEvaluation& evaluation, size_t s, const std::vector<int32_t>& predicted,
                    const TagReader& reader) {
  const NerSentence& sentence = evaluation.data().sentences[s];
  const SentenceText joined = join_words(sentence, evaluation.data().records);
  const std::vector<Entity> gold = reader.entities(std::span(sentence.tags)),
                            found = reader.entities(parts_of(predicted, evaluation.labels(), reader));
  MarkedSentence marked{s};
  marked.text = mark_text(joined.text, spans_of(gold, joined.words), spans_of(found, joined.words));
  marked.wrong = std::ranges::count_if(marked.text,
                                       [](const ReportSegment& part) { return part.gold != part.predicted; });
  return marked;
}

std::vector<ReportError> worst_sentences(const NerEvaluation& evaluation, const NerReport& found) {
  const TagReader reader = evaluation.reader();
  std::vector<MarkedSentence> wrong;
  for (size_t s = 0; s < found.predicted.size(); ++s) {
    MarkedSentence sentence = mark(evaluation, s, found.predicted[s], reader);
    if (sentence.wrong > 0) wrong.push_back(std::move(sentence));
  }
  std::ranges::stable_sort(wrong, std::greater(), &MarkedSentence::wrong);
  if (wrong.size() > most_report_errors) wrong.resize(most_report_errors);
  std::vector<ReportError> errors;
  for (MarkedSentence& sentence : wrong) {
    ReportError error;
    error.heading = fmt::format(
        "{} · {} wrong", without_folder(evaluation.data().where(sentence.sentence, 0)), sentence.wrong);
    error.text = shorten(std::move(sentence.text), shown_beside_names);
    errors.push_back(std::move(error));
  }
  return errors;
}

// What each word's tag was taken for.
void add_tags(Report& report, const NerEvaluation& evaluation, const NerReport& found) {
  const LabelList& labels = evaluation.labels();
  report.confusion.emplace(labels.size());
  for (size_t s = 0; s < found.predicted.size(); ++s) {
    std::vector<int32_t> gold;
    for (const std::string& tag : evaluation.data().sentences[s].tags) gold.push_back(labels.id(tag));
    report.confusion->add(found.predicted[s], gold);
  }
  report.classes = labels.tags();
  report.tables.push_back(counts_table("Each tag", "tag", counts_of(*report.confusion, labels.tags())));
}

void add_types(Report& report, const NerEvaluation& evaluation, const NerReport& found) {
  const std::string heading = "Each type";
  const LabelList& labels = evaluation.labels();
  if (evaluation.method() != "clue_benchmark") {
    const ConllevalResult result =
        span_counts(evaluation.data(), labels, evaluation.reader(), found.predicted);
    report.tables.push_back(counts_table(heading, "type", {result.types.begin(), result.types.end()}));
    return;
  }
  const ClueBenchmark mentions =
      mention_counts(evaluation.data(), labels, evaluation.reader(), found.predicted);
  std::vector<std::pair<std::string, SpanCounts>> rows;
  for (const auto& [type, counts] : mentions.types())
    rows.emplace_back(type, SpanCounts{counts.true_positives, counts.true_positives + counts.false_negatives,
                                       counts.true_positives + counts.false_positives});
  report.tables.push_back(counts_table(heading, "type", rows));
}

}  // namespace

Report ner_report(const FinishedRun& run, NerEvaluation* evaluation) {
  const std::string task = "Named entities";
  if (evaluation == nullptr) return run_report(run, task, nullptr);
  const NerReport& found = evaluation->current();
  const ScoredData scored{evaluation->data().path, evaluation->data_description(), found.examples_per_second,
                          found.scores, score_names};
  Report report = run_report(run, task, &scored);
  if (scores_entities(evaluation->method())) add_types(report, *evaluation, found);
  else add_tags(report, *evaluation, found);
  report.errors = worst_sentences(*evaluation, found);
  return report;
}

}  // namespace gradus
