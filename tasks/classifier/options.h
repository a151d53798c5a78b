// Options of run_classifier: train, score and use a model that tells classes of text apart, or gives labels or scores.
#pragma once

#include <string>
#include <vector>

#include "tasks/options/column_options.h"
#include "tasks/options/fine_tune_options.h"

namespace gradus {

struct ClassifierOptions : FineTuneOptions {
  std::string task_name = "tsv";
  std::string assessment_method = "accuracy";
  int64_t num_class = 0;  // 0: as many as there are labels
  std::string label_file_path;
  ClassificationColumnOptions columns;
  std::string class_weights;  // "", "balanced", or a number for each class
  bool tune_thresholds = false;
  std::string predict_form = "auto";
  std::string output_dir;

  const ClassificationForm& form() const { return classification_form(task_name); }
  // What a new model learns.
  ProblemType problem() const;
  // The numbers of --class_weights; empty unless it lists some. Throws Error on anything but positive numbers.
  std::vector<float> listed_class_weights() const;
  // Whether --predict_form is made of the rows of a named file.
  bool predicts_rows() const { return predict_form == "table" || predict_form == "submission"; }

  void declare(Options& options);
  // Completes the options after parse() and throws Error when they don't fit together.
  void finish(Options& options);
  // Takes from a trained classifier what was not given: it may be used on data of another form. Throws Error when the
  // data or the assessment method don't suit it.
  void take(const std::string& trained_task, ProblemType gives, const std::string& label_separator,
            Options& options);

 private:
  // Throws Error when an option says something of what there is not: of classes, labels or scores.
  void check_suited(ProblemType problem) const;
};

}  // namespace gradus
