// Options that every training program shares.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/dtype.h"
#include "tasks/options/options.h"

namespace gradus {

// What is computed in by --compute_type: "fp32", "bf16" or "fp16", by other systems' names too, or "int8". The first three are
// what training and exported files can have.
DType compute_dtype(std::string_view compute_type);
std::vector<Choice> compute_types();
std::vector<Choice> float_types();

// Where a program computes, and how exactly.
struct DeviceOptions {
  std::string device_target = "CPU";
  int64_t device_id = 0;
  int64_t threads = 0;  // 0: all cores
  std::string compute_type = "fp32";
  bool tf32 = false;
  int64_t seed = 1;

  void declare(Options& options);
  // Those up to compute_type alone, for a program that only answers.
  void declare_device(Options& options);
  DType dtype() const { return compute_dtype(compute_type); }
};

// The shape of the encoder. A value of 0, or "auto", stands for the checkpoint's own.
struct ModelOptions {
  std::string bert_config_file;
  int64_t hidden_size = 0;
  int64_t num_hidden_layers = 0;
  int64_t num_attention_heads = 0;
  int64_t intermediate_size = 0;
  int64_t max_position_embeddings = 0;
  std::string relative_positions = "auto";  // "none", "trained", "sinusoid"
  int64_t max_relative_position = 0;
  std::string hidden_act = "auto";
  double layer_norm_eps = 0;
  double dropout = 0.1;  // after embeddings and sublayers, on attention weights, before the head

  // Whether they say all of an encoder's shape but the rows of its tables.
  bool has_shape() const {
    return hidden_size > 0 && num_hidden_layers > 0 && num_attention_heads > 0 && intermediate_size > 0 &&
           max_position_embeddings > 0 && hidden_act != "auto" && relative_positions != "auto";
  }
  // `from_scratch` says on the help page what they are without a checkpoint.
  void declare(Options& options, const char* from_scratch = "128, 2, 2, 512, 512, gelu");
  // Takes the shape of the encoder from --bert_config_file, then from the configuration file's section of that name
  // (MindSpore's bert_net_cfg, base_net_cfg and so on).
  void adopt(Options& options, const std::string& section);
  // Gives the values still missing for a model without a checkpoint when `from_scratch`, and throws Error when the values
  // don't fit together.
  void finish(Options& options, bool from_scratch);
};

// One training run: what to do, how to batch, optimize, save and report.
struct TrainOptions {
  bool do_train = false;
  bool do_eval = false;
  bool do_predict = false;

  int64_t epoch_num = 3;
  int64_t max_steps = 0;  // 0: as many as the epochs have
  bool train_data_shuffle = true;
  bool eval_data_shuffle = false;
  int64_t train_batch_size = 32;
  int64_t eval_batch_size = 64;
  int64_t train_batch_tokens = 0;  // 0: train_batch_size counts
  int64_t gradient_accumulation_steps = 1;
  bool stream = false;
  int64_t memory_mb = 0;  // 0: a quarter of what the process may use

  bool recompute = false;
  std::string max_memory;  // empty: as much as it takes

  std::string optimizer = "adamw";
  std::string schedule = "polynomial";
  double learning_rate = 2e-5;
  double end_learning_rate = 0;
  double power = 1;
  double warmup_proportion = 0.1;
  int64_t warmup_steps = 0;  // 0: warmup_proportion counts
  std::string freeze;        // parts of the model with commas between
  double layer_decay = 1;
  double label_smoothing = 0;
  double weight_decay = 0.01;
  double adam_beta1 = 0.9;
  double adam_beta2 = 0.999;
  double adam_eps = 1e-8;
  double max_grad_norm = 1;        // 0: no clipping
  std::string clip_type = "auto";  // "global", "tensor"
  bool enable_global_norm = false;
  // Parameters whose name holds one of these, in any case, are not decayed.
  std::vector<std::string> no_decay = {"layernorm", "layer_norm", "bias"};

  bool enable_lossscale = false;
  double loss_scale_value = 65536;
  double scale_factor = 2;
  int64_t scale_window = 1000;
  double max_loss_scale = 4294967296;  // 2^32
  // More than the 32 halves that lead from there to 1, where the run ends anyway.
  int64_t max_skipped_steps = 50;

  std::string save_finetune_checkpoint_path;
  int64_t keep_checkpoints = 1;
  int64_t average_checkpoints = 0;
  int64_t save_checkpoint_steps = 0;    // 0: at the end of every epoch
  int64_t eval_steps = 0;               // 0: at the end of every epoch
  int64_t early_stopping_patience = 0;  // 0: train to the end
  bool resume = false;
  bool overwrite_output_dir = false;

  bool distribute = false;
  bool allreduce_post_accumulation = true;
  int64_t timeout_s = 30;

  std::string log_dir;
  int64_t log_steps = 50;
  std::string metrics_file;
  std::string report;
  std::string trace;
  bool json = false;

  // 0 without --max_memory.
  int64_t max_memory_bytes() const;
  // Of --memory_mb.
  int64_t memory_bytes() const;
  // `save_path` is the default of --save_finetune_checkpoint_path. `predicts`: whether there is --do_predict.
  void declare(Options& options, const std::string& save_path, bool predicts);
  // For tasks with classes: --label_smoothing.
  void declare_label_smoothing(Options& options);
  // Takes optimizer_cfg of the configuration file and throws Error when the values don't fit together.
  void finish(Options& options);

 private:
  void declare_optimizer(Options& options);
  void declare_loss_scale(Options& options);
  void adopt_optimizer(Options& options, const std::string& section, bool has_momentum);
};

}  // namespace gradus
