// Options that the programs share which fine-tune a pretrained model for a task: run_ner, run_classifier, run_squad.
#pragma once

#include <cstdio>
#include <set>
#include <string>

#include "core/error.h"
#include "data/dataset.h"
#include "tasks/options/train_options.h"

namespace gradus {

// What a task calls its data on the help page.
struct DataHelp {
  const char* train;
  const char* eval;
  const char* predict;  // null where nothing is predicted
  const char* format;
};

struct FineTuneOptions {
  DeviceOptions device;
  ModelOptions model;
  TrainOptions train;

  std::string train_data_file_path;
  std::string eval_data_file_path;
  std::string predict_data_file_path = "-";  // "-": standard input
  std::string dataset_format = "text";
  std::string schema_file_path;
  std::string vocab_file_path;
  std::string tokenizer = "hf";
  std::string do_lower_case = "auto";
  int64_t seq_length = 128;
  std::string eval_pad = "grouped";

  std::string load_pretrain_checkpoint_path;
  std::string load_finetune_checkpoint_path;
  std::string exported_file;          // runs in place of the trained model's network; empty: none
  std::string onnx_runtime = "auto";  // what runs it: a name of core/onnx_session.h

  std::string
      calibrate;  // evaluation data to choose by what int8 leaves in float32; empty: nothing is chosen

  std::string seeds;  // with commas between: a run for each (tasks/run_series.h); empty: one run

  bool enable_modelarts = false;

  // Whether a pretrained model is what the program makes and scores: there is no other to load.
  bool makes_pretrained = false;

  // Of the options that a trained model has fixed, those that were set: by their values alone, one set to its default
  // could not be told from one left alone. Filled by finish().
  std::set<std::string> given;

  DatasetFormat format() const { return parse_dataset_format(dataset_format); }
  // Whether the evaluation data are wanted: to score the model with, or to choose the best one while it is trained.
  bool reads_eval() const { return !eval_data_file_path.empty() && (train.do_train || train.do_eval); }
  // Whether predictions are all that is wanted: they alone go to standard output then, and no log.
  bool predicts_only() const { return !train.do_train && !train.do_eval; }
  // Whether training begins with a new head, which the options describe, not with one of an earlier training.
  bool makes_head() const { return train.do_train && load_finetune_checkpoint_path.empty(); }
  // Throws Error when the option was set to something else than the trained `model` in `folder` has.
  template <typename T>
  void check_fixed(const char* name, const T& wanted, const T& found, const std::string& model,
                   const std::string& folder) const {
    check(!given.contains(name) || wanted == found, "--{} {}: the {} in '{}' has {}", name, wanted, model,
          folder, found);
  }

 protected:
  // Declares what stands before and after the options of the task's own head. `save_path` is the default of
  // --save_finetune_checkpoint_path.
  void declare_data(Options& options, const std::string& save_path, const DataHelp& help);
  void declare_model(Options& options);
  // Completes the options after parse() and train.finish(). `fixed` names those of the task that a trained model has
  // fixed. `has_data`: the program brings its own. `network`: the configuration file's section of the encoder. Throws Error when the options don't fit together.
  void finish(Options& options, const std::set<std::string>& fixed, bool has_data,
              const std::string& network = "bert_net_cfg");

 private:
  void take_calibration(Options& options);
  void take_exported();
  void declare_left(Options& options);
  void check_inputs(bool has_data) const;
};

// Where a run tells what it does: predictions alone, and results as JSON, leave standard output to themselves.
std::FILE* log_of(const FineTuneOptions& options);

}  // namespace gradus
