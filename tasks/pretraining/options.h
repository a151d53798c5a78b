// Options of run_pretrain: train and score BERT on texts with masked words and pairs of texts.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tasks/options/fine_tune_options.h"
#include "tasks/options/masking_options.h"

namespace gradus {

// The shape of a model that is pretrained, by the name that --bert_network knows it by.
struct PretrainingNetwork {
  std::string_view name;
  int64_t hidden_size, num_hidden_layers, num_attention_heads;  // the wide layers are 4 hidden_size
  std::string_view hidden_act = "gelu", relative_positions = "none";
};

const std::vector<PretrainingNetwork>& pretraining_networks();

struct PretrainOptions : FineTuneOptions {
  std::string bert_network = "small";
  bool enable_save_ckpt = true;
  // Accepted, and without effect.
  std::string bucket_list;
  bool enable_data_sink = true;
  int64_t data_sink_steps = 1;
  bool train_with_eval = false;
  int64_t eval_samples = 0;  // 0: --eval_steps says
  std::string num_samples = "None";
  // Text, in place of records, and how examples are made of it.
  std::string input_file, eval_input_file;
  MaskingOptions masking;
  std::string output_dir;

  PretrainOptions();
  int64_t most_records() const;  // of those to train on
  PretrainingOptions examples() const { return masking.examples(seq_length, 1); }

  void declare(Options& options);
  // Completes the options after parse() and throws Error when they don't fit together. `trains`: what the program does when
  // nothing is said; or else it scores.
  void finish(Options& options, bool trains);

 private:
  void declare_text(Options& options);
  void take_network(Options& options);
  void take_save_folder(Options& options);
  void take_text(Options& options);
};

}  // namespace gradus
