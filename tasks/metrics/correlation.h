// Scores of predicted numbers, such as how alike two sentences are: correlations with the labels, from -1 to
// 1.
//
// Where a correlation is not defined, with fewer than two values or where the predictions, or the labels, are
// all equal, it is 0 here: a model that gives one answer for everything knows nothing of the labels, and a
// score of 0 says so, can be compared with other checkpoints' and written to any file. SciPy gives NaN there
// and warns.
//
// All functions throw Error when the numbers of predictions and labels differ or one of them is not finite.
#pragma once

#include <span>

namespace gradus {

// Pearson 1895, "Notes on regression and inheritance in the case of two parents": covariance over the root of
// the product of the variances. In two passes and scaled, so that neither a large common offset nor a large
// or small unit costs digits.
double pearson_correlation(std::span<const double> predicted, std::span<const double> labels);

// Spearman 1904, "The proof and measurement of association between two things": the correlation of the ranks,
// where equal values share the mean of their ranks.
double spearman_correlation(std::span<const double> predicted, std::span<const double> labels);

// The same by 1 - 6 sum(d^2) / (n (n^2 - 1)), where equal values take ranks in the order in which they come:
// what MindSpore's system prints. Wrong where values are equal, as those of STS-B's labels are: all
// predictions equal may give anything.
double spearman_correlation_without_ties(std::span<const double> predicted, std::span<const double> labels);

}  // namespace gradus
