// Options of run_ner: train, score and use a model that labels names in text.
#pragma once

#include <string>

#include "tasks/options/column_options.h"
#include "tasks/options/fine_tune_options.h"

namespace gradus {

constexpr int64_t max_lstm_layers = 16;

struct NerOptions : FineTuneOptions {
  std::string assessment_method = "span";
  bool use_crf = false;
  bool with_lstm = false;
  int64_t lstm_layers = 1;
  bool crf_constraints = false;
  std::string label_protocol = "first_piece";
  std::string label_file_path;
  std::string tag_scheme = "auto";
  NerColumnOptions columns;
  std::string predict_form = "auto";

  bool use_sample = false;  // set by finish(): no data was named, so the built-in sample is used

  void declare(Options& options);
  // Completes the options after parse() and throws Error when they don't fit together. Without a single data
  // file, checkpoint to score or --do_..., the program trains and scores on the built-in sample.
  void finish(Options& options);
  // Which columns of the data are what, and what numbers as tags stand for.
  NerColumns data_columns() const { return columns.columns("--label_file_path", label_file_path); }
};

}  // namespace gradus
