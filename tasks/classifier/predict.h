// Classes, or scores, of new texts.
#pragma once

#include <cstdio>
#include <istream>
#include <string>
#include <vector>

#include "tasks/classifier/evaluation.h"

namespace gradus {

// Classifies the lines of `in`, a text each, or two with a tab between when the classifier was trained on pairs. Writes a line for each
// to `out` as soon as it is known: the label and its probability, or the score, and the text, with tabs between; with `json`
// an object with the probability of every class. Returns what ClassifierPredictor::run gave for all lines. `name` stands for the
// input in messages. Throws Error "name:line: ..." on invalid UTF-8 and on a line with too few or too many texts.
std::vector<double> predict_lines(const ClassifierSystem& system, const ClassifierPredictor& predictor,
                                  int64_t seq_length, std::istream& in, const std::string& name, bool json,
                                  std::FILE* out);

// The same for a file in the form of a published data set, with labels or without.
std::vector<double> predict_file(const ClassifierSystem& system, const ClassifierPredictor& predictor,
                                 int64_t seq_length, const std::string& path, bool json, std::FILE* out);

// What run_classifier.py of google-research/bert calls test_results.tsv: a line for each text, with the probabilities of its
// classes in the order of their ids, or its score.
std::string results_table(const std::vector<double>& outputs, size_t width);

// What that program calls eval_results.txt: "eval_accuracy = ...", a line each in the order of the names.
std::string results_text(const Scores& scores, int64_t global_step);

}  // namespace gradus
