// A model that tells the topics of texts, and the rules it was trained with.
#pragma once

#include <memory>
#include <optional>

#include "data/class_labels.h"
#include "nn/heads/topic.h"
#include "tasks/model/task_system.h"
#include "tasks/topic/options.h"

namespace gradus {

inline constexpr TaskKind topic_kind{"gradus_topic", "BertForTopic", "run_topic", "model of topics"};

class TopicSystem final : public TaskSystem {
 public:
  using Model = TopicModel;

  // Reads the trained model of the options (ModelSource::of_trained).
  static std::unique_ptr<TopicSystem> load(const TopicOptions& options);
  // A new one with these topics, over the pretrained model of the options or from initial weights.
  static std::unique_ptr<TopicSystem> create(const TopicOptions& options, const ClassLabels& labels);

  const ClassLabels& labels() const { return labels_; }
  const Model& model() const { return *model_; }
  // Another of the same, which declares its parameters there.
  Model model_in(Parameters& parameters) const { return Model(Scope(parameters), config(), labels_.size()); }

 private:
  TopicSystem(ModelSource source, ClassLabels labels);
  // What config.json says of the task, under "gradus_topic"; load() reads it by source.task_settings(topic_kind).
  // The topics are its id2label.
  Json settings_json() const override { return Json::object(); }

  ClassLabels labels_;
  std::optional<TopicModel> model_;
};

}  // namespace gradus
