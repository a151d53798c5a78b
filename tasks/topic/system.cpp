#include "tasks/topic/system.h"

namespace gradus {

TopicSystem::TopicSystem(ModelSource source, ClassLabels labels)
    : TaskSystem(std::move(source), topic_kind, labels.names()), labels_(std::move(labels)) {
  model_.emplace(Scope(parameters()), config(), labels_.size());
  check_weights();
}

std::unique_ptr<TopicSystem> TopicSystem::load(const TopicOptions& options) {
  ModelSource source = ModelSource::of_trained(options, topic_kind);
  check(!source.config.labels.empty(), "{}: no id2label: expected the topics", source.where);
  ClassLabels labels(source.config.labels);
  return std::unique_ptr<TopicSystem>(new TopicSystem(std::move(source), std::move(labels)));
}

std::unique_ptr<TopicSystem> TopicSystem::create(const TopicOptions& options, const ClassLabels& labels) {
  return std::unique_ptr<TopicSystem>(new TopicSystem(ModelSource::of_new(options, std::nullopt), labels));
}

}  // namespace gradus
