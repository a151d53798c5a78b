// Options of run_ner: train, score and use a model that labels names in text.
#pragma once

#include <set>
#include <string>

#include "tasks/train_options.h"

namespace gradus {

constexpr int64_t max_lstm_layers = 16;

struct NerOptions {
  DeviceOptions device;
  ModelOptions model;
  TrainOptions train;

  std::string assessment_method = "span";
  bool use_crf = false;
  bool with_lstm = false;
  int64_t lstm_layers = 1;
  bool crf_constraints = false;
  std::string label_protocol = "first_piece";

  std::string train_data_file_path;
  std::string eval_data_file_path;
  std::string predict_data_file_path = "-";  // "-": standard input
  std::string dataset_format = "text";
  std::string schema_file_path;
  std::string vocab_file_path;
  std::string label_file_path;
  std::string tokenizer = "hf";
  std::string do_lower_case = "auto";
  int64_t seq_length = 128;
  std::string eval_pad = "grouped";

  std::string load_pretrain_checkpoint_path;
  std::string load_finetune_checkpoint_path;

  // Of the options that a trained tagger has fixed, those that were set: by their values alone, one set to its default
  // could not be told from one left alone. Filled by finish().
  std::set<std::string> given;
  bool use_sample = false;  // set by finish(): no data was named, so the built-in sample is used

  void declare(Options& options);
  // Completes the options after parse() and throws Error when they don't fit together. Without a single data
  // file, checkpoint to score or --do_..., the program trains and scores on the built-in sample.
  void finish(Options& options);

 private:
  void check_inputs() const;
};

}  // namespace gradus
