// A named-entity tagger: BERT with its head, the tags, and the rules they were trained with.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "data/labels.h"
#include "data/ner_features.h"
#include "nn/heads/ner.h"
#include "tasks/ner/options.h"
#include "tasks/task_system.h"

namespace gradus {

// What the head was built and trained with; saved in config.json under "gradus_ner".
struct NerSettings {
  bool use_crf = false;
  bool crf_constraints = false;
  int64_t lstm_layers = 0;
  std::string label_protocol = "first_piece";
  // Plain text is cut into characters instead of words: the tagger was trained on characters.
  bool characters = false;
};

class NerSystem final : public TaskSystem {
 public:
  // Reads the trained tagger of the options (ModelSource::of_trained).
  static std::unique_ptr<NerSystem> load(const NerOptions& options);
  // A new tagger with these tags over the pretrained model of the options, or one with initial weights throughout.
  // `vocab` is used when the options name no vocabulary.
  static std::unique_ptr<NerSystem> create(const NerOptions& options, LabelList labels,
                                           std::optional<Vocab> vocab);
  // What the data says of a new tagger.
  void set_characters(bool characters) { settings_.characters = characters; }
  void set_protocol(LabelProtocol protocol) { settings_.label_protocol = name_of(protocol); }

  const NerSettings& settings() const { return settings_; }
  const LabelList& labels() const { return labels_; }
  LabelProtocol protocol() const;
  NerHeadConfig head() const;
  const NerModel& model() const { return *model_; }

 private:
  NerSystem(ModelSource source, NerSettings settings, LabelList labels);
  nlohmann::ordered_json settings_json() const override;

  NerSettings settings_;
  LabelList labels_;
  std::optional<NerModel> model_;
};

}  // namespace gradus
