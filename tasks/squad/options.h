// Options of run_squad: train, score and use a model that finds the answers to questions in a text.
#pragma once

#include <string>

#include "data/squad_features.h"
#include "tasks/options/fine_tune_options.h"
#include "tasks/squad/answers.h"

namespace gradus {

struct SquadDriverOptions : FineTuneOptions {
  std::string eval_json_path;  // beside records; otherwise eval_data_file_path
  int64_t doc_stride = 128;
  int64_t max_query_length = 64;
  std::string answer_text = "auto";
  std::string version_2_with_negative = "auto";
  double null_score_diff_threshold = 0;
  int64_t n_best_size = 20;
  int64_t max_answer_length = 30;
  std::string assessment_method = "auto";
  std::string output_dir;
  std::string predict_form = "auto";
  int64_t num_class = 2;  // accepted, and without effect

  SquadDriverOptions() { seq_length = 384; }

  // The file of questions with answers to score on; empty without one.
  const std::string& eval_questions() const {
    return format() == DatasetFormat::text ? eval_data_file_path : eval_json_path;
  }
  // How windows are cut. `words`: the tokenizer's rules are those of the reference code.
  SquadOptions features(bool words) const;
  // Whether the answers' texts are made of words, as in the reference code, with a tokenizer of these rules.
  bool uses_words(const std::string& rules) const;

  // Whether questions may have no answer: as the option says, or else the data.
  bool may_lack_answers(bool data_says) const {
    return version_2_with_negative == "auto" ? data_says : version_2_with_negative == "true";
  }

  void declare(Options& options);
  // Completes the options after parse() and throws Error when they don't fit together.
  void finish(Options& options);
};

}  // namespace gradus
