// A task's model as it lies on the disk: encoder and head, vocabulary, and the rules they were trained with.
#pragma once

#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "core/io/checked_json.h"
#include "data/word_piece.h"
#include "nn/checkpoints/model_files.h"
#include "nn/parameters.h"
#include "tasks/model/batch_loop.h"
#include "tasks/model/exported_run.h"
#include "tasks/model/model_source.h"

namespace gradus {

// What the systems of all tasks do alike. A task's own adds its settings and its network, which declares its
// parameters in parameters() when the system is made.
class TaskSystem {
 public:
  virtual ~TaskSystem() = default;
  TaskSystem(const TaskSystem&) = delete;
  TaskSystem& operator=(const TaskSystem&) = delete;

  // Makes the weights: reads them from where the model comes, or gives them initial values. Tells `log` what is to be
  // told of the files of the model, and which tensors are new or unused.
  void allocate(Backend& backend, Parameters::Use use, DType compute_type, uint64_t seed,
                std::FILE* log = stdout);
  // Has a file that export has written do the work of the network, which gets no weights. Tells `log` which. Throws Error as ExportedRun does.
  void run_exported(Backend& backend, const FineTuneOptions& options, std::FILE* log);
  // Whether such a file computes.
  bool runs_exported() const { return exported_ != nullptr; }
  // What computes, for a log: that file and what runs it, or where the network's weights come from.
  std::string computes_by() const { return exported_ ? exported_->description() : source_.weights; }
  // What computes batches: that file, or, where there is none, the network.
  BatchLoop::Forward forward(BatchLoop::Forward network) const;
  // Throws Error, naming the file, when the checkpoint's labels, settings, model or vocabulary are not this system's: a
  // run can't go on from there. Takes what training had found by then (take_tuned).
  void continue_from(const std::filesystem::path& checkpoint);
  // Has int8 leave these weights of the trained model in float32, in its config.json: for all who load it from then on.
  void save_int8_keeps(const std::vector<std::string>& names) const { source_.save_int8_keeps(kind_, names); }
  // Writes config.json, tokenizer_config.json, vocab.txt and model.safetensors into an existing folder.
  void save(const std::filesystem::path& folder) const;
  // These without the weights.
  void save_settings(const std::filesystem::path& folder) const;
  // Throws Error when the model has no positions for sequences so long.
  void check_sequence_length(int64_t seq_length) const;

  const BertConfig& config() const { return source_.config; }
  // Updates that a trained model has had before this run; 0 of a new one.
  int64_t trained_steps() const { return source_.steps; }
  // The folder or file that the weights come from; empty: none.
  const std::string& weights() const { return source_.weights; }
  const Vocab& vocab() const { return source_.vocab; }
  const TokenizerConfig& tokenizer_config() const { return source_.tokenizer; }
  // What config.json says of the task and of what all tasks fix.
  Json saved_json() const;
  const Tokenizer& tokenizer() const { return tokenizer_; }
  // How this system's text is normalised, but for the program whose rules these are.
  TextRules text_rules(TokenizerRules rules) const { return source_.tokenizer.text_rules(rules); }
  Parameters& parameters() { return parameters_; }

 protected:
  // `labels` go into the configuration.
  TaskSystem(ModelSource source, const TaskKind& kind, std::vector<std::string> labels);
  // Chooses the head, a stored or a new one. Throws Error when the weights lack a tensor that the network, declared by
  // now, needs, or have it in another shape.
  void check_weights();
  // What config.json says of the task alone, as an object.
  virtual Json settings_json() const = 0;
  // The key in it of what training itself finds, so that a run goes on whatever it is; empty: none.
  virtual std::string tuned_setting() const { return ""; }
  virtual void take_tuned(const JsonField& /*found*/) {}
  const TaskSettings& task_settings() const { return source_.settings; }

 private:
  void keep_in_float(std::FILE* log);
  // What the names of tensors begin with that the weights must have.
  std::vector<std::string> required() const;

  TaskKind kind_;
  ModelSource source_;
  Tokenizer tokenizer_;
  HeadRows head_;
  Parameters parameters_;
  std::unique_ptr<ExportedRun> exported_;
};

}  // namespace gradus
