// Classes, labels or scores of new texts.
#pragma once

#include <cstdio>
#include <istream>
#include <span>
#include <string>
#include <vector>

#include "tasks/classifier/evaluation.h"
#include "tasks/classifier/predict_form.h"

namespace gradus {

// Classifies new texts and writes a line for each, as soon as it is known (tasks/classifier/predict_form.h).
class ClassifierWriter {
 public:
  struct Settings {
    int64_t seq_length = 128;
    ClassifierPredictForm form = ClassifierPredictForm::text;
    bool keep_table = false;  // whether table() is wanted
    std::FILE* out = stdout;
  };

  // Keeps references.
  ClassifierWriter(const ClassifierSystem& system, const ClassifierPredictor& predictor, Settings settings)
      : system_(system), predictor_(predictor), settings_(settings) {}

  // The lines of `in`, a text each, or two with a tab between when the classifier was trained on pairs. `name` stands
  // for the input in messages. One that is no text, or has too few or too many, gets an error in place of its answer,
  // and nan for its numbers in table(). Returns the exit status.
  int write_lines(std::istream& in, const std::string& name);
  // A file in the form of a data set. Labels in it are left alone. Throws Error as read_classification() and prediction_head() do,
  // and unless its texts are pairs as those that were trained on, or single as they.
  void write_file(const std::string& path, const ClassificationForm& form,
                  const ClassificationColumns& columns);

  // What run_classifier.py of google-research/bert calls test_results.tsv: a line for each text so far, with the
  // probabilities of its classes in the order of their ids, or its score.
  const std::string& table() const { return table_; }

 private:
  // A text's line of output, and of table(), if that is wanted.
  struct Answer {
    std::string line, row;
  };

  std::vector<Answer> answers(const ClassificationData& data);
  std::string row(std::span<const double> output) const;
  void write(const Answer& answer);
  void tell(const std::string& name);

  const ClassifierSystem& system_;
  const ClassifierPredictor& predictor_;
  Settings settings_;
  ClassificationCounts counts_;
  std::string table_;
};

// What that program calls eval_results.txt: "eval_accuracy = ...", a line each in the order of the names.
std::string results_text(const Scores& scores, int64_t global_step);

}  // namespace gradus
