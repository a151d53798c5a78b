// A model that is pretrained: BERT with the heads that predict masked words and whether a text follows another.
#pragma once

#include <memory>
#include <optional>

#include "data/pretraining_records.h"
#include "nn/heads/pretraining.h"
#include "tasks/model/task_system.h"
#include "tasks/pretraining/options.h"

namespace gradus {

class PretrainSystem final : public TaskSystem {
 public:
  using Model = PretrainingModel;

  // The model of the options, to be trained, from initial weights or on; or, where it is only scored, with all its heads.
  // Throws Error naming the file when something is missing, broken, or not what the options ask for.
  static std::unique_ptr<PretrainSystem> open(const PretrainOptions& options);

  const Model& model() const { return *model_; }
  // Another of the same, which declares its parameters there.
  Model model_in(Parameters& parameters) const { return Model(Scope(parameters), config()); }
  PretrainingLimits limits() const { return {vocab().size(), config().max_position_embeddings}; }

 private:
  explicit PretrainSystem(ModelSource source);
  Json settings_json() const override { return Json::object(); }

  std::optional<PretrainingModel> model_;
};

}  // namespace gradus
