// What a task's model is made from: the folder of a pretrained or of a trained model, or nothing but a vocabulary.
#pragma once

#include <filesystem>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "core/io/json.h"
#include "data/tokenizer_config.h"
#include "nn/bert_config.h"
#include "tasks/model/stored_head.h"
#include "tasks/options/fine_tune_options.h"
#include "tasks/options/tokenizer_settings.h"

namespace gradus {

// How the models of a task are named.
struct TaskKind {
  const char* settings_key;  // in config.json, of the object with the task's settings: "gradus_ner"
  const char* architecture;  // the class of transformers that loads them
  const char* program;       // that trains them
  const char* noun;          // for such a model in messages: "tagger"
};

// Of the list of weights that int8 leaves in float32, among a model's settings.
inline constexpr const char* int8_keeps_key = "int8_keeps";

// What all tasks fix when they train a model, beside the settings of its tokenizer.
struct TaskSettings {
  double dropout = 0.1;
  std::string tokenizer = "hf";
  // The weights that int8 leaves in float32; none where that was never chosen. Not fixed by training, but by calibration afterwards.
  std::optional<std::vector<std::string>> int8_keeps = std::nullopt;

  TokenizerRules rules() const { return parse_tokenizer_rules(tokenizer); }
};

struct ModelSource {
  BertConfig config;
  TaskSettings settings;
  Vocab vocab;
  TokenizerConfig tokenizer;            // do_lower_case is decided
  std::string weights;                  // folder or file to read weights from; empty: none
  bool trained = false;                 // the weights of the head are there too
  std::string where;                    // path of its config.json, for messages
  int64_t steps = 0;                    // a trained model's training had
  std::string version;                  // of the file `where`, for check_unchanged()
  StoredHead head = {};                 // a pretrained model's
  std::vector<std::string> notes = {};  // what the log should say of the files

  // The model that --load_finetune_checkpoint_path names, a checkpoint or a save folder with checkpoints (then the
  // best one, or the newest). --hidden_act, --layer_norm_eps, --dropout and --vocab_file_path override. Throws Error
  // naming the file when something is missing, broken, of another task, or not what the options ask for.
  static ModelSource of_trained(const FineTuneOptions& options, const TaskKind& kind);
  // A new model over the pretrained one of --load_pretrain_checkpoint_path, or without one. `vocab` is used when the
  // options name no vocabulary.
  static ModelSource of_new(const FineTuneOptions& options, std::optional<Vocab> vocab);

  // Of a pretrained model that is used as it is: all of its weights have to be there, and the steps it was trained for count.
  void take_as_trained();

  // Writes into the config.json of a trained model what int8 leaves in float32.
  void save_int8_keeps(const TaskKind& kind, const std::vector<std::string>& names) const;

  // Throws Error when the trained model is not the one any more that was there at first: a run that trains has replaced
  // it meanwhile, and its files may have been read of both.
  void check_unchanged() const;

  // What the task saved of its own.
  Json task_settings(const TaskKind& kind) const;
  // What all tasks save beside that.
  Json common_settings() const;
};

// Which of these a trained model is, named as for ModelSource::of_trained. Throws Error naming the file when it is none of
// them, or can't be read; the second gives null for none of them.
const TaskKind& kind_of_trained(const std::string& path, std::initializer_list<const TaskKind*> kinds);
const TaskKind* find_kind_of_trained(const std::string& path, std::initializer_list<const TaskKind*> kinds);

// The settings object that a configuration of that kind of task has. Throws Error naming the file, `where`, without
// one.
Json saved_settings(const BertConfig& config, const TaskKind& kind, const std::string& where);

// The file, `where`, and the object with the settings in it, for messages (JsonField).
std::string settings_place(const TaskKind& kind, const std::string& where);

}  // namespace gradus
