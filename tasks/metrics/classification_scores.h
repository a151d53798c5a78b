// What a classifier's predictions are worth: which classes it takes for which, and the scores that follow
// from that. Where there is nothing to divide by, a score is 0. Predicted numbers instead of classes:
// correlation.h.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tasks/metrics/token_scores.h"

namespace gradus {

// How often each class was predicted for each gold class. Classes are the ids 0 to classes() - 1.
class ConfusionMatrix {
 public:
  // Throws Error unless there is a class.
  explicit ConfusionMatrix(int64_t classes);

  // Counts one predicted and one gold id per example, over as many batches as are added. Throws Error when
  // their numbers differ or an id is not a class; nothing of the batch is counted then.
  void add(std::span<const int32_t> predicted, std::span<const int32_t> gold);

  int64_t classes() const { return classes_; }
  int64_t count(int64_t gold, int64_t predicted) const {
    return counts_[static_cast<size_t>(gold * classes_ + predicted)];
  }
  int64_t total() const;
  int64_t correct() const;
  int64_t gold_count(int64_t id) const;  // the class's support: examples that are of it
  int64_t predicted_count(int64_t id) const;

  double accuracy() const;  // fraction
  // The class against all others. Its support is gold_count().
  F1Counts of_class(int64_t id) const;
  // Mean over the classes' F1. A class that is neither among the gold labels nor predicted is left out, as
  // scikit-learn does unless it is given a list of labels.
  double macro_f1() const;
  // Positive is every id but 0, no matter which (BinaryF1, MatthewsCounts): with two classes the F1 of class
  // 1, with more the "F1" and the "Mcc" that the BERT systems print, which see no difference between the
  // positive classes.
  MatthewsCounts positives() const;
  // The Matthews correlation of all classes, -1 to 1: Gorodkin 2004, "Comparing two K-category assignments by
  // a K-category correlation coefficient". That of positives() when there are two.
  double matthews_correlation() const;

  // The accuracy of always predicting the most frequent gold class: what a useful classifier exceeds.
  double majority_accuracy() const;
  // Whether one class is all that was predicted although the gold labels have several: the training has
  // failed, however good the accuracy looks.
  bool collapsed() const;

 private:
  int64_t classes_;
  std::vector<int64_t> counts_;  // [gold][predicted]
};

// Gold examples of one class that were predicted to be of another.
struct Confusion {
  int64_t gold = 0;
  int64_t predicted = 0;
  int64_t count = 0;

  friend bool operator==(const Confusion&, const Confusion&) = default;
};

// All that occur, most frequent first; among equals by gold and predicted id.
std::vector<Confusion> confusions(const ConfusionMatrix& matrix);

// The matrix for a terminal: a row per gold class, a column per predicted one. Labels that are too wide are
// cut, and the columns have numbers instead of labels where those would make lines of more than 100 columns.
// For more than `most_classes` the most frequent confusions take its place, as lines "gold -> predicted:
// count". Throws Error unless there is a label for each class.
std::string confusion_text(const ConfusionMatrix& matrix, std::span<const std::string> labels,
                           int64_t most_classes = 20);

}  // namespace gradus
