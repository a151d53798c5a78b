// Options of export: which model to write, in which form.
#pragma once

#include <string>

#include "tasks/options/options.h"
#include "tasks/options/train_options.h"

namespace gradus {

struct ExportOptions {
  std::string load_finetune_checkpoint_path;
  std::string vocab_file_path;
  std::string task = "auto";
  std::string file_format = "ONNX";
  std::string export_file_name;
  int64_t export_batch_size = 0, seq_length = 0;  // 0: whoever runs the model chooses, of an ONNX file
  std::string compute_type = "fp32";
  bool viterbi = false;
  bool external_data = false;
  bool overwrite = false;

  void declare(Options& options);
  // Throws Error when they don't fit together. To be called after parse().
  void finish(Options& options);
  bool is_mindir() const { return file_format == "MINDIR"; }
  DType dtype() const { return compute_dtype(compute_type); }
};

}  // namespace gradus
