// A model that finds answers: BERT with the scores of each token as an answer's first and last, and the rules it was
// trained with.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "nn/heads/squad.h"
#include "tasks/model/task_system.h"
#include "tasks/squad/options.h"

namespace gradus {

inline constexpr TaskKind squad_kind{"gradus_squad", "BertForQuestionAnswering", "run_squad",
                                     "question answering model"};

// What training fixes; saved in config.json under "gradus_squad".
struct SquadSettings {
  bool version_2 = false;                // it saw questions that the text does not answer
  double null_score_diff_threshold = 0;  // best on the evaluation data
};

class SquadSystem final : public TaskSystem {
 public:
  using Model = SquadModel;

  // Reads the trained model of the options (ModelSource::of_trained).
  static std::unique_ptr<SquadSystem> load(const SquadDriverOptions& options);
  // A new one over the pretrained model of the options, or one with initial weights.
  static std::unique_ptr<SquadSystem> create(const SquadDriverOptions& options);

  // What the data says of a new model.
  void set_version_2(bool version_2) { settings_.version_2 = version_2; }
  void set_threshold(double threshold) { settings_.null_score_diff_threshold = threshold; }

  const SquadSettings& settings() const { return settings_; }
  const TaskSettings& text_settings() const { return task_settings(); }
  const Model& model() const { return *model_; }
  // Another of the same, which declares its parameters there.
  Model model_in(Parameters& parameters) const { return Model(Scope(parameters), config()); }

 private:
  // `threshold_given`: by an option, so that what training finds doesn't count.
  SquadSystem(ModelSource source, SquadSettings settings, bool threshold_given);
  Json settings_json() const override;
  std::string tuned_setting() const override { return "null_score_diff_threshold"; }
  void take_tuned(const JsonField& found) override {
    if (!threshold_given_) set_threshold(found.number());
  }

  SquadSettings settings_;
  bool threshold_given_;
  std::optional<SquadModel> model_;
};

}  // namespace gradus
