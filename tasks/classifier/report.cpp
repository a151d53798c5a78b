#include "tasks/classifier/report.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "core/joined.h"
#include "tasks/report/svg_chart.h"

namespace gradus {
namespace {

constexpr ScoreName score_names[] = {
    {"accuracy", "accuracy", "examples whose class is right"},
    {"f1", "F1", "precision and recall of all classes but the first, taken as one"},
    {"macro_f1", "macro F1", "mean of the F1 of all classes or labels, frequent or not"},
    {"mcc", "Matthews correlation", "times 100; 0 is chance, 100 all right", ""},
    {"micro_f1", "micro F1", "precision and recall of all labels together"},
    {"micro_average_precision", "micro average precision",
     "mean precision over all recalls, of all labels together; no threshold has a part in it"},
    {"macro_average_precision", "macro average precision", "the mean of it over the labels"},
    {"subset_accuracy", "subset accuracy", "texts with every label right"},
    {"spearman_correlation", "Spearman correlation", "of the ranks, times 100", ""},
    {"pearson_correlation", "Pearson correlation", "of the numbers, times 100", ""},
};
constexpr int most_bands = 6;

// The examples that the model got wrong, those with the highest loss first.
std::vector<size_t> worst(const ClassifierReport& found, const std::function<bool(size_t)>& is_wrong) {
  std::vector<size_t> order(found.losses.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::erase_if(order, [&](size_t i) { return !is_wrong(i); });
  std::ranges::stable_sort(order, std::greater(), [&](size_t i) { return found.losses[i]; });
  if (order.size() > most_report_errors) order.resize(most_report_errors);
  return order;
}

// The texts of a pair a line each.
std::string lines_of(const ClassifierSet& set, const Vocab& vocab, size_t i) {
  if (set.data.texts.empty()) return set.text(i, vocab);
  const ClassificationText& text = set.data.texts[i];
  return text.text_b ? text.text_a + '\n' + *text.text_b : text.text_a;
}

ReportError error_at(const ClassifierSet& set, const Vocab& vocab, const ClassifierReport& found, size_t i) {
  ReportError error;
  error.heading = without_folder(set.where(i));
  error.loss = found.losses[i];
  error.text = {{lines_of(set, vocab, i)}};
  return error;
}

void add_classes(Report& report, const ClassifierSystem& system, const ClassifierSet& set,
                 const ClassifierReport& found) {
  const ClassLabels& labels = *system.labels();
  const ConfusionMatrix& confusion = *found.confusion;
  report.scores.push_back({"without a model", 100 * confusion.majority_accuracy(), 2, "%",
                           "accuracy of always answering the most frequent class"});
  report.tables.push_back(counts_table("Each class", "class", counts_of(confusion, labels.names())));
  report.confusion = confusion;
  report.classes = labels.names();

  const auto width = static_cast<size_t>(labels.size());
  const std::vector<int32_t> predicted = best_classes(found.outputs, width);
  const auto is_wrong = [&](size_t i) { return predicted[i] != set.examples[i].label; };
  for (const size_t i : worst(found, is_wrong)) {
    ReportError error = error_at(set, system.vocab(), found, i);
    error.gold = labels.name(set.examples[i].label);
    error.predicted = labels.name(predicted[i]);
    error.confidence = found.outputs[i * width + static_cast<size_t>(predicted[i])];
    report.errors.push_back(std::move(error));
  }
}

std::string names_of(const ClassLabels& labels, const std::vector<int32_t>& ids) {
  std::vector<std::string> names;
  for (const int32_t id : ids) names.push_back(labels.name(id));
  return names.empty() ? "no label" : joined(names, ", ").str();
}

void add_labels(Report& report, const ClassifierSystem& system, const ClassifierSet& set,
                const ClassifierReport& found) {
  const ClassLabels& labels = *system.labels();
  const std::vector<double> thresholds = system.thresholds();
  std::vector<std::pair<std::string, SpanCounts>> rows;
  for (int32_t id = 0; id < labels.size(); ++id) {
    const auto i = static_cast<size_t>(id);
    const F1Counts& counts = found.labels->of_label[i];
    rows.emplace_back(fmt::format("{} (from {:.4g})", labels.name(id), thresholds[i]),
                      SpanCounts{counts.true_positives, counts.true_positives + counts.false_negatives,
                                 counts.true_positives + counts.false_positives});
  }
  report.tables.push_back(counts_table("Each label", "label (from which probability on)", rows));

  const size_t width = thresholds.size();
  const auto predicted = [&](size_t i) {
    return system.holding(std::span(found.outputs).subspan(i * width, width));
  };
  for (const size_t i : worst(found, [&](size_t i) { return predicted(i) != set.examples[i].labels; })) {
    ReportError error = error_at(set, system.vocab(), found, i);
    error.gold = names_of(labels, set.examples[i].labels);
    error.predicted = names_of(labels, predicted(i));
    report.errors.push_back(std::move(error));
  }
}

// What is predicted where the data's scores lie in each of a few bands.
ReportTable band_table(const ClassifierSet& set, const ClassifierReport& found) {
  ReportTable table{
      "Low and high scores",
      "What the model predicts for examples whose scores in the data lie in a band. A model that "
      "knows little stays near the middle everywhere.",
      {"score in the data", "examples", "mean predicted", "mean difference"},
      {}};
  const auto [low, high] = std::ranges::minmax(set.examples, {}, &ClassificationExample::score);
  const bool differ = low.score < high.score;
  const double step = differ ? round_ticks(low.score, high.score, most_bands).step : 1;
  // The highest score belongs to the last band even where another one would begin.
  const double first = std::floor(low.score / step);
  const double last = std::max(first, std::ceil(high.score / step) - 1);
  const auto band_of = [&](float score) { return std::min(last, std::floor(score / step)); };
  for (double band = first; band <= last; ++band) {
    double count = 0, sum = 0, difference = 0;
    for (size_t i = 0; i < set.examples.size(); ++i) {
      const float gold = set.examples[i].score;
      if (band_of(gold) != band) continue;
      ++count;
      sum += found.outputs[i];
      difference += std::abs(found.outputs[i] - static_cast<double>(gold));
    }
    if (count > 0)
      table.rows.push_back(
          {fmt::format("{:g} to {}{:g}", band * step, band < last ? "below " : "", (band + 1) * step),
           fmt::format("{:.0f}", count), fmt::format("{:.2f}", sum / count),
           fmt::format("{:.2f}", difference / count)});
  }
  return table;
}

void add_numbers(Report& report, const ClassifierSystem& system, const ClassifierSet& set,
                 const ClassifierReport& found) {
  report.tables.push_back(band_table(set, found));
  for (const size_t i : worst(found, [&](size_t i) { return found.losses[i] > 0; })) {
    ReportError error = error_at(set, system.vocab(), found, i);
    error.gold = fmt::format("{:.2f}", set.examples[i].score);
    error.predicted = fmt::format("{:.2f}", found.outputs[i]);
    report.errors.push_back(std::move(error));
  }
}

const char* title_of(ProblemType problem) {
  switch (problem) {
    case ProblemType::multi_label:
      return "Labels of texts";
    case ProblemType::regression:
      return "Scores of texts";
    case ProblemType::single_label:
      break;
  }
  return "Classes of texts";
}

}  // namespace

Report classifier_report(const FinishedRun& run, const ClassifierSystem& system,
                         ClassifierEvaluation* evaluation) {
  const std::string task = title_of(system.problem());
  if (evaluation == nullptr) return run_report(run, task, nullptr);
  const ClassifierReport& found = evaluation->current();
  const ClassifierSet& set = evaluation->set();
  const ScoredData scored{set.path, set.counts.str(), found.examples_per_second, found.scores, score_names};
  Report report = run_report(run, task, &scored);
  if (const std::string warning = evaluation->warning(); !warning.empty()) report.notes.push_back(warning);
  switch (system.problem()) {
    case ProblemType::single_label:
      add_classes(report, system, set, found);
      break;
    case ProblemType::multi_label:
      add_labels(report, system, set, found);
      break;
    case ProblemType::regression:
      add_numbers(report, system, set, found);
      break;
  }
  return report;
}

}  // namespace gradus
