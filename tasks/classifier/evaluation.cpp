#include "tasks/classifier/evaluation.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "data/batcher.h"
#include "tasks/classifier/batch.h"
#include "tasks/log/phase.h"
#include "tasks/metrics/correlation.h"
#include "tasks/metrics/finite_scores.h"
#include "tasks/text/display_text.h"

namespace gradus {
namespace {

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

// The scores of numbers against those of the data, and what the reference program prints.
void score_numbers(const std::string& method, const ClassifierSet& set, ClassifierReport& report) {
  std::vector<double> gold;
  for (const ClassificationExample& example : set.examples) {
    gold.push_back(example.score);
    const double difference = report.outputs[gold.size() - 1] - gold.back();
    report.losses.push_back(difference * difference);
  }
  const std::pair<std::string, double> spearman{"spearman_correlation",
                                                100 * spearman_correlation(report.outputs, gold)};
  const std::pair<std::string, double> pearson{"pearson_correlation",
                                               100 * pearson_correlation(report.outputs, gold)};
  report.scores = method == "pearson_correlation" ? Scores{pearson, spearman} : Scores{spearman, pearson};
  report.text = method == "pearson_correlation"
                    ? fmt::format("Pearson Correlation is {:.6f}\n", pearson.second / 100)
                    : fmt::format("Spearman Correlation is {:.6f}\n", spearman.second / 100);
}

std::string reference_text(const std::string& method, const ConfusionMatrix& matrix) {
  const MatthewsCounts positives = matrix.positives();
  if (method == "accuracy") {
    return fmt::format("acc_num {} , total_num {}, accuracy {:.6f}\n", matrix.correct(), matrix.total(),
                       matrix.accuracy());
  }
  if (method == "f1") {
    return fmt::format("Precision {:.6f} \nRecall {:.6f} \nF1 {:.6f} \n", positives.precision(),
                       positives.recall(), positives.f1());
  }
  if (method == "macro_f1") return fmt::format("Macro F1 {:.6f} \n", matrix.macro_f1());
  return fmt::format("MCC {:.6f} \n", matrix.matthews_correlation());
}

void score_classes(const std::string& method, const ClassifierSet& set, const ClassLabels& labels,
                   ClassifierReport& report) {
  const auto classes = static_cast<size_t>(labels.size());
  std::vector<int32_t> gold;
  for (const ClassificationExample& example : set.examples) {
    const double probability = report.outputs[gold.size() * classes + static_cast<size_t>(example.label)];
    report.losses.push_back(-std::log(std::max(probability, 1e-300)));
    gold.push_back(example.label);
  }
  const ConfusionMatrix& matrix = report.confusion.emplace(labels.size());
  report.confusion->add(best_classes(report.outputs, classes), gold);
  const Scores all{{"accuracy", 100 * matrix.accuracy()},
                   {"f1", 100 * matrix.positives().f1()},
                   {"macro_f1", 100 * matrix.macro_f1()},
                   {"mcc", 100 * matrix.matthews_correlation()}};
  report.scores = {*std::ranges::find(all, method, &std::pair<std::string, double>::first)};
  for (const auto& score : all) {
    // Of more than two classes the F1 of all but the first tells little: it is given where it was asked for.
    if (score.first == method || (score.first == "f1" && classes > 2)) continue;
    report.scores.push_back(score);
  }
  report.text = reference_text(method, matrix);
}

// 1 where a label of an example holds, [N, K].
std::vector<uint8_t> held_labels(const ClassifierSet& set, size_t labels) {
  std::vector<uint8_t> holds(set.examples.size() * labels, 0);
  for (size_t i = 0; i < set.examples.size(); ++i) {
    for (const int32_t id : set.examples[i].labels) holds[i * labels + static_cast<size_t>(id)] = 1;
  }
  return holds;
}

// The scores of labels by the system's thresholds, and a line of them.
void score_any_labels(const std::string& method, const ClassifierSystem& system, const ClassifierSet& set,
                      ClassifierReport& report) {
  // The least that a probability differs from 1 by: the loss of a label that is surely wrong stays a number.
  constexpr double least = 0x1p-53;
  const std::vector<double> thresholds = system.thresholds();
  const std::vector<uint8_t> holds = held_labels(set, thresholds.size());
  for (size_t begin = 0; begin < holds.size(); begin += thresholds.size()) {
    double sum = 0;
    for (size_t i = begin; i < begin + thresholds.size(); ++i)
      sum -= std::log(std::max(holds[i] != 0 ? report.outputs[i] : 1 - report.outputs[i], least));
    report.losses.push_back(sum / static_cast<double>(thresholds.size()));
  }
  const MultiLabelScores& found = report.labels.emplace(score_labels(report.outputs, holds, thresholds));
  const Scores all{{"micro_f1", 100 * found.micro_f1()},
                   {"macro_f1", 100 * found.macro_f1()},
                   {"micro_average_precision", 100 * found.micro_average_precision},
                   {"macro_average_precision", 100 * found.macro_average_precision},
                   {"subset_accuracy", 100 * found.subset_accuracy()}};
  report.scores = {*std::ranges::find(all, method, &std::pair<std::string, double>::first)};
  for (const auto& score : all) {
    if (score.first != method) report.scores.push_back(score);
    report.text += fmt::format("{} {:.6f}\n", score.first, score.second / 100);
  }
}

// What there is to say of numbers that are all alike, though those of the data are not.
std::string remark_on_numbers(const std::vector<double>& outputs, const ClassifierSet& set) {
  const auto [least, most] = std::ranges::minmax(outputs);
  const auto [low, high] = std::ranges::minmax(set.examples, {}, &ClassificationExample::score);
  if (most - least > 1e-4 * static_cast<double>(high.score - low.score) || low.score == high.score) return {};
  return fmt::format("every prediction is {:.4f}", outputs.front());
}

// That no label is predicted, or that each is of every text, though the data are otherwise.
std::string remark_on_labels(const MultiLabelScores& scores) {
  int64_t predicted = 0, gold = 0;
  for (const F1Counts& counts : scores.of_label) {
    predicted += counts.true_positives + counts.false_positives;
    gold += counts.true_positives + counts.false_negatives;
  }
  return predicted == 0 && gold > 0 ? "no label is predicted for any text" : "";
}

// A line for each label.
std::string label_table(const MultiLabelScores& scores, const ClassifierSystem& system) {
  constexpr int widest = 30;
  const std::vector<double> thresholds = system.thresholds();
  const std::vector<std::string>& names = system.labels()->names();
  int width = text_width("label");
  for (const std::string& name : names) width = std::max(width, text_width(cut_text(name, widest)));
  std::string text = fmt::format("{}  threshold  precision  recall      F1  in the data  predicted  right\n",
                                 pad_right("label", width));
  for (size_t k = 0; k < names.size(); ++k) {
    const F1Counts& counts = scores.of_label[k];
    text += fmt::format("{}  {:>9.4f}  {:>9.4f}  {:>6.4f}  {:>6.4f}  {:>11}  {:>9}  {:>5}\n",
                        pad_right(cut_text(names[k], widest), width), thresholds[k], counts.precision(),
                        counts.recall(), counts.f1(), counts.true_positives + counts.false_negatives,
                        counts.true_positives + counts.false_positives, counts.true_positives);
  }
  return text;
}

// What always giving the same answer would be worth.
std::string mean_baseline(const ClassifierSet& set) {
  double sum = 0, squares = 0;
  for (const ClassificationExample& example : set.examples) sum += example.score;
  const double mean = sum / static_cast<double>(set.examples.size());
  for (const ClassificationExample& example : set.examples)
    squares += (example.score - mean) * (example.score - mean);
  return fmt::format("always answering the mean, {:.4f}, would give the loss {:.4f}\n", mean,
                     squares / static_cast<double>(set.examples.size()));
}

std::string class_baseline(const ConfusionMatrix& confusion, const ClassLabels& labels) {
  int32_t most = 0;
  for (int32_t id = 1; id < labels.size(); ++id) {
    if (confusion.gold_count(id) > confusion.gold_count(most)) most = id;
  }
  return fmt::format("always answering '{}' would give accuracy {:.6f}\n", labels.name(most),
                     confusion.majority_accuracy());
}

}  // namespace

ClassifierRunOptions ClassifierRunOptions::of(const ClassifierOptions& options) {
  return {options.train.eval_batch_size, options.eval_pad == "grouped", options.device.dtype()};
}

ClassifierPredictor::ClassifierPredictor(Backend& backend, const ClassifierSystem& system,
                                         ClassifierRunOptions options)
    : backend_(backend),
      system_(system),
      options_(options),
      head_(system.head()),
      loop_(backend, options.compute_type,
            system.forward(
                [&model = system.model(), problem = system.problem()](Context& context, const Batch& batch) {
                  return std::vector{model.logits(context, classifier_batch(batch, problem)).value()};
                })) {}

std::vector<double> ClassifierPredictor::run(const std::vector<ClassificationExample>& examples,
                                             const std::function<std::string(size_t)>& where) const {
  const size_t width = this->width();
  std::vector<double> outputs(examples.size() * width);
  std::vector<int32_t> lengths;
  for (const ClassificationExample& example : examples)
    lengths.push_back(static_cast<int32_t>(example.input_ids.size()));
  loop_.run(
      evaluation_batches(lengths, options_.batch_size, options_.group_lengths),
      [&](std::span<const int32_t> chosen) { return pack_classifier(backend_, examples, chosen, head_); },
      [&](const HostBatch& batch, BatchResults results) {
        std::span<const float> rows = results[0]->wait_for<float>();
        for (const int64_t number : batch.numbers) {
          const auto example = static_cast<size_t>(number);
          const std::span<const float> from = rows.first(width);
          rows = rows.subspan(width);
          check_finite_scores(from, [&] { return where(example); });
          const std::span<double> to = std::span(outputs).subspan(example * width, width);
          switch (system_.problem()) {
            case ProblemType::single_label:
              softmax(from, to);
              break;
            case ProblemType::multi_label:
              sigmoid(from, to);
              break;
            case ProblemType::regression:
              to[0] = static_cast<double>(from[0]);
              break;
          }
        }
      });
  return outputs;
}

void softmax(std::span<const float> logits, std::span<double> probabilities) {
  const float largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (size_t k = 0; k < logits.size(); ++k)
    sum += probabilities[k] = std::exp(static_cast<double>(logits[k]) - largest);
  for (double& probability : probabilities) probability /= sum;
}

void sigmoid(std::span<const float> logits, std::span<double> probabilities) {
  for (size_t k = 0; k < logits.size(); ++k)
    probabilities[k] = 1 / (1 + std::exp(-static_cast<double>(logits[k])));
}

std::vector<int32_t> best_classes(const std::vector<double>& probabilities, size_t classes) {
  std::vector<int32_t> best;
  for (auto row = probabilities.begin(); row != probabilities.end();
       row += static_cast<std::ptrdiff_t>(classes)) {
    best.push_back(
        static_cast<int32_t>(std::max_element(row, row + static_cast<std::ptrdiff_t>(classes)) - row));
  }
  return best;
}

ClassifierReport score_classifier(const std::string& method, const ClassifierSystem& system,
                                  const ClassifierSet& set, std::vector<double> outputs) {
  ClassifierReport report;
  report.outputs = std::move(outputs);
  switch (system.problem()) {
    case ProblemType::single_label:
      score_classes(method, set, *system.labels(), report);
      break;
    case ProblemType::multi_label:
      score_any_labels(method, system, set, report);
      break;
    case ProblemType::regression:
      score_numbers(method, set, report);
      break;
  }
  report.scores.emplace_back("eval_loss", mean(report.losses));
  return report;
}

ClassifierEvaluation::ClassifierEvaluation(const ClassifierPredictor& predictor, ClassifierSystem& system,
                                           const ClassifierSet& set, std::string method, bool tunes)
    : predictor_(predictor), system_(system), set_(set), method_(std::move(method)), tunes_(tunes) {}

uint32_t ClassifierEvaluation::checksum() const {
  NumbersChecksum checksum;
  for (const ClassificationExample& example : set_.examples)
    checksum.add({example.input_ids, example.segment_ids, target_numbers(example, system_.problem())});
  return checksum.value();
}

std::vector<double> ClassifierEvaluation::compute() const {
  return predictor_.run(set_.examples, [this](size_t i) { return set_.where(i); });
}

ClassifierReport ClassifierEvaluation::report_on(std::vector<double> outputs) {
  if (tunes_)
    system_.set_thresholds(
        best_thresholds(outputs, held_labels(set_, predictor_.width()), predictor_.width()));
  return score_classifier(method_, system_, set_, std::move(outputs));
}

std::string ClassifierEvaluation::remark() const {
  if (!latest()) return {};
  switch (system_.problem()) {
    case ProblemType::multi_label:
      return remark_on_labels(*latest()->labels);
    case ProblemType::regression:
      return remark_on_numbers(latest()->outputs, set_);
    case ProblemType::single_label:
      break;
  }
  if (!latest()->confusion->collapsed()) return {};
  const ConfusionMatrix& confusion = *latest()->confusion;
  int32_t only = 0;
  while (confusion.predicted_count(only) == 0) ++only;
  return fmt::format("every prediction is '{}'", system_.labels()->name(only));
}

std::string ClassifierEvaluation::warning() const {
  const std::string found = remark();
  if (found.empty()) return found;
  return found +
         ": the training was too short or has collapsed; another --seed, a lower --learning_rate or a larger "
         "--warmup_proportion may help";
}

std::string ClassifierEvaluation::description() const {
  switch (system_.problem()) {
    case ProblemType::multi_label:
      return label_table(*latest()->labels, system_);
    case ProblemType::regression:
      return mean_baseline(set_);
    case ProblemType::single_label:
      break;
  }
  const ConfusionMatrix& confusion = *latest()->confusion;
  return confusion_text(confusion, system_.labels()->names()) + class_baseline(confusion, *system_.labels());
}

}  // namespace gradus
