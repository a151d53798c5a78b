// A named-entity tagger: BERT with its head, the tags, and the rules they were trained with.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "data/labels.h"
#include "data/ner_features.h"
#include "data/tag_scheme.h"
#include "data/word_rules.h"
#include "nn/heads/ner.h"
#include "tasks/model/task_system.h"
#include "tasks/ner/options.h"

namespace gradus {

inline constexpr TaskKind tagger_kind{"gradus_ner", "BertForTokenClassification", "run_ner", "tagger"};

// What the head was built and trained with; saved in config.json under "gradus_ner".
struct NerSettings {
  bool use_crf = false;
  bool crf_constraints = false;
  int64_t lstm_layers = 0;
  std::string label_protocol = "first_piece";
  // How the tags name entities; none in taggers of old, and in those whose tags are no entities'.
  std::optional<TagScheme> tag_scheme = std::nullopt;
  // How the words of the training data were cut; taggers of old say only whether they are characters.
  std::optional<WordRules> word_rules = std::nullopt;
  bool characters = false;
  NerColumnNames columns = {};  // of the table that it was trained on
};

class NerSystem final : public TaskSystem {
 public:
  using Model = NerModel;

  // Reads the trained tagger of the options (ModelSource::of_trained).
  static std::unique_ptr<NerSystem> load(const NerOptions& options);
  // A new tagger with these tags over the pretrained model of the options, or one with initial weights throughout.
  // `vocab` is used when the options name no vocabulary.
  static std::unique_ptr<NerSystem> create(const NerOptions& options, LabelList labels,
                                           std::optional<Vocab> vocab);
  // What the data says of a new tagger.
  void set_word_rules(WordRules rules);
  void set_columns(NerColumnNames columns) { settings_.columns = std::move(columns); }
  void set_protocol(LabelProtocol protocol) { settings_.label_protocol = name_of(protocol); }
  void set_tag_scheme(TagScheme scheme);

  const NerSettings& settings() const { return settings_; }
  const LabelList& labels() const { return labels_; }
  LabelProtocol protocol() const;
  // Those of the settings; of a tagger of old characters, or the reference's.
  WordRules word_rules() const;
  // That of the settings, or the likeliest one of the labels.
  TagScheme tag_scheme() const;
  // Reads the labels as an --assessment_method wants them.
  TagReader tag_reader(const std::string& method) const;
  NerHeadConfig head() const;
  const Model& model() const { return *model_; }
  // Another of the same, which declares its parameters there.
  Model model_in(Parameters& parameters) const { return Model(Scope(parameters), config(), head()); }

 private:
  NerSystem(ModelSource source, NerSettings settings, LabelList labels);
  Json settings_json() const override;
  TransitionRules transition_rules() const;

  NerSettings settings_;
  LabelList labels_;
  std::optional<NerModel> model_;
};

}  // namespace gradus
