// Scores over single labels: accuracy, F1 and the Matthews correlation. Where there is nothing to divide by, a
// score is 0. None of them looks at spans: they can't be compared with conlleval.
#pragma once

#include <cstdint>
#include <span>

namespace gradus {

// Predictions against labels, as one of the two sees them: positive or not.
struct F1Counts {
  int64_t true_positives = 0;
  int64_t false_positives = 0;
  int64_t false_negatives = 0;

  double precision() const;  // fraction
  double recall() const;     // fraction
  double f1() const;         // fraction
  friend bool operator==(const F1Counts&, const F1Counts&) = default;
};

// Counts over all batches that were added. Every add() takes a predicted id and a label id per token or
// example, and throws Error when their numbers differ or an id is negative.
struct AccuracyCounts {
  int64_t correct = 0;
  int64_t total = 0;

  void add(std::span<const int32_t> predicted, std::span<const int32_t> labels);
  double accuracy() const;  // fraction
};

// Positive is every id but 0, whatever the id: a B-PER predicted as I-LOC is a true positive. This is "BF1" for
// tags and "F1" for classes.
struct BinaryF1 : F1Counts {
  void add(std::span<const int32_t> predicted, std::span<const int32_t> labels);
};

// Each id but 0 is a class of its own, and the counts of all classes are summed ("MF1"): a B-PER predicted as
// I-LOC is a false positive and a false negative.
struct MicroF1 : F1Counts {
  void add(std::span<const int32_t> predicted, std::span<const int32_t> labels);
};

// Positive is every id but 0. Matthews 1975, "Comparison of the predicted and observed secondary structure of
// T4 phage lysozyme".
struct MatthewsCounts : F1Counts {
  int64_t true_negatives = 0;

  void add(std::span<const int32_t> predicted, std::span<const int32_t> labels);
  double correlation() const;  // -1 to 1
};

}  // namespace gradus
