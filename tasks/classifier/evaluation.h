// What a classifier predicts, and what that is worth.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tasks/classifier/input.h"
#include "tasks/metrics/classification_scores.h"
#include "tasks/metrics/multi_label_scores.h"
#include "tasks/model/batch_loop.h"
#include "tasks/training/evaluation.h"

namespace gradus {

struct ClassifierRunOptions {
  int64_t batch_size = 64;
  bool group_lengths = true;  // batches of similar lengths; the predictions are the same either way
  DType compute_type = DType::float32;

  static ClassifierRunOptions of(const ClassifierOptions& options);
};

// Predicts with an allocated system.
class ClassifierPredictor {
 public:
  ClassifierPredictor(Backend& backend, const ClassifierSystem& system, ClassifierRunOptions options);

  // The probability of each class or label for each of N examples, [N, K]; or the N scores. Throws Error, naming an example
  // as `where` does, when the model gives it anything but numbers.
  std::vector<double> run(const std::vector<ClassificationExample>& examples,
                          const std::function<std::string(size_t)>& where) const;
  // Numbers that run() gives for an example: K, or 1.
  size_t width() const { return static_cast<size_t>(system_.head().classes); }

 private:
  Backend& backend_;
  const ClassifierSystem& system_;
  ClassifierRunOptions options_;
  ClassifierHeadConfig head_;
  BatchLoop loop_;
};

// exp(x - max) over its sum, of logits or of the logarithms of probabilities.
void softmax(std::span<const float> logits, std::span<double> probabilities);

// 1 / (1 + exp(-logit)) of each.
void sigmoid(std::span<const float> logits, std::span<double> probabilities);

// The class of the highest probability, the first of equals, of each example's `classes` probabilities.
std::vector<int32_t> best_classes(const std::vector<double>& probabilities, size_t classes);

// Its scores are percentages, the method's own first; then "eval_loss", the mean over the examples.
struct ClassifierReport : EvaluationReport {
  std::vector<double> outputs;               // ClassifierPredictor::run
  std::vector<double> losses;                // of each example
  std::optional<ConfusionMatrix> confusion;  // of classes
  std::optional<MultiLabelScores> labels;    // of any number of labels a text
};

// What the outputs of ClassifierPredictor::run are worth, for all examples of a set.
ClassifierReport score_classifier(const std::string& method, const ClassifierSystem& system,
                                  const ClassifierSet& set, std::vector<double> outputs);

class ClassifierEvaluation final : public TaskEvaluation<std::vector<double>, ClassifierReport> {
 public:
  // Keeps references to all but the method. `tunes`: each run gives the system the thresholds that are the best for its
  // outputs, and scores by these.
  ClassifierEvaluation(const ClassifierPredictor& predictor, ClassifierSystem& system,
                       const ClassifierSet& set, std::string method, bool tunes);

  const ClassifierSet& set() const { return set_; }
  std::string data_description() const override { return set_.counts.str(); }
  uint32_t checksum() const override;

  // Of the last run, to see whether it is worth anything: the confusion matrix, or a line for each label, and what always
  // giving the same answer would be worth.
  std::string description() const;
  // "every prediction is 'x'", when the last run gave nothing else although there is more, numbers that are nearly equal, or
  // no label at all; otherwise empty.
  std::string remark() const override;
  std::string warning() const override;

 private:
  int64_t examples() const override { return std::ssize(set_.examples); }
  std::vector<double> compute() const override;
  ClassifierReport report_on(std::vector<double> outputs) override;

  const ClassifierPredictor& predictor_;
  ClassifierSystem& system_;
  const ClassifierSet& set_;
  std::string method_;
  bool tunes_;
};

}  // namespace gradus
