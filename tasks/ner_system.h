// A named-entity tagger as it lies on the disk: model, vocabulary, tags and the rules they were trained with.
#pragma once

#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "data/labels.h"
#include "data/ner_features.h"
#include "data/vocab.h"
#include "data/word_piece.h"
#include "nn/heads/ner.h"
#include "nn/model_files.h"
#include "tasks/ner_options.h"

namespace gradus {

// What the head was built and trained with; saved in config.json under "gradus_ner".
struct NerSettings {
  bool use_crf = false;
  bool crf_constraints = false;
  int64_t lstm_layers = 0;
  double dropout = 0.1;
  std::string label_protocol = "first_piece";
  std::string tokenizer = "hf";
  bool do_lower_case = true;
  // Plain text is cut into characters instead of words: the tagger was trained on characters.
  bool characters = false;

  friend bool operator==(const NerSettings&, const NerSettings&) = default;
};

class NerSystem {
 public:
  // Reads the fine-tuned tagger in `folder`, a checkpoint or a save folder with checkpoints; --hidden_act, --layer_norm_eps of the options override.
  // Throws Error naming the file when something is missing, broken, or doesn't fit together.
  static std::unique_ptr<NerSystem> load(const std::string& folder, const NerOptions& options);
  // A new tagger with these tags over the pretrained model of the options, or one with initial weights throughout.
  // `vocab` is used when the options name no vocabulary.
  static std::unique_ptr<NerSystem> create(const NerOptions& options, LabelList labels,
                                           std::optional<Vocab> vocab);
  // What the data says of a new tagger.
  void set_characters(bool characters) { settings_.characters = characters; }
  void set_protocol(LabelProtocol protocol) { settings_.label_protocol = name_of(protocol); }

  // Makes the weights: reads them from where the tagger comes, or gives them initial values. Tells `log` which tensors
  // are new or unused.
  void allocate(Backend& backend, Parameters::Use use, DType compute_type, uint64_t seed,
                std::FILE* log = stdout);
  // Throws Error, naming the file, when the checkpoint's labels, settings, model or vocabulary are not this system's: a
  // run can't go on from there.
  void check_continues(const std::filesystem::path& checkpoint) const;
  // Writes config.json, tokenizer_config.json, vocab.txt and model.safetensors into an existing folder.
  void save(const std::filesystem::path& folder) const;

  const BertConfig& config() const { return config_; }
  const NerSettings& settings() const { return settings_; }
  const LabelList& labels() const { return labels_; }
  const Tokenizer& tokenizer() const { return *tokenizer_; }
  LabelProtocol protocol() const;
  NerHeadConfig head() const;
  Parameters& parameters() { return parameters_; }
  const NerModel& model() const { return *model_; }

 private:
  NerSystem(BertConfig config, NerSettings settings, LabelList labels, Vocab vocab, std::string weights);
  // Takes --hidden_act and --layer_norm_eps; throws Error when another option is not as in the configuration of
  // `model`.
  static void override_config(BertConfig& config, const NerOptions& options, const std::string& model);
  // What the names of tensors begin with that the weights must have.
  std::vector<std::string> required() const;

  BertConfig config_;
  NerSettings settings_;
  LabelList labels_;
  Vocab vocab_;
  std::string weights_;   // folder or file to read weights from; empty: none
  bool trained_ = false;  // the head's weights are there too
  std::optional<Tokenizer> tokenizer_;
  Parameters parameters_;
  std::optional<NerModel> model_;
};

}  // namespace gradus
