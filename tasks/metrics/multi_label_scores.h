// What predictions of any number of labels a text are worth. All numbers of N texts and K labels lie row by row, [N, K].
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tasks/metrics/token_scores.h"

namespace gradus {

// The threshold from which on a label's probability means that it holds, unless another was found.
inline constexpr double usual_threshold = 0.5;

// A label holds by a probability of at least its threshold. Where there is nothing to divide by, a score is 0, as in scikit-learn
// with zero_division=0.
struct MultiLabelScores {
  std::vector<F1Counts> of_label;  // K
  int64_t texts = 0;
  int64_t all_right = 0;  // texts with every label right
  // The means of the precision over the recall, which need no threshold (average_precision): of all numbers as if they were
  // one label's, and the mean over the labels.
  double micro_average_precision = 0, macro_average_precision = 0;

  double micro_f1() const;  // fraction, of the counts of all labels together
  double macro_f1() const;  // fraction, mean over all labels, those that neither hold nor are predicted too
  double subset_accuracy() const;
};

// `holds` has 1 where a label of the data holds, else 0. Throws Error when sizes don't fit: as many probabilities, and K
// thresholds of which N K is a multiple.
MultiLabelScores score_labels(std::span<const double> probabilities, std::span<const uint8_t> holds,
                              std::span<const double> thresholds);

// The sum, from the highest score down, of the precision at each score times what the recall grows there; equal scores are one
// step (scikit-learn's average_precision_score). 0 where nothing holds.
double average_precision(std::span<const double> scores, std::span<const uint8_t> holds);

// For each of `labels` the threshold with the best F1. Between two probabilities all thresholds are alike: it is 0.5 where that
// lies between them, else their middle, above the highest of all that to 1, below the lowest that to 0. Of equally good ones
// the nearest to 0.5 counts, of these the lower. A label that holds nowhere keeps 0.5.
std::vector<double> best_thresholds(std::span<const double> probabilities, std::span<const uint8_t> holds,
                                    size_t labels);

}  // namespace gradus
