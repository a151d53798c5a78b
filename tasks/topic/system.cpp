#include "tasks/topic/system.h"

namespace gradus {

TopicSystem::TopicSystem(ModelSource source, ClassLabels topics)
    : TaskSystem(std::move(source), topic_kind, topics.names()), topics_(std::move(topics)) {
  model_.emplace(Scope(parameters()), config(), topics_.size());
  check_weights();
}

std::unique_ptr<TopicSystem> TopicSystem::load(const TopicOptions& options) {
  ModelSource source = ModelSource::of_trained(options, topic_kind);
  check(!source.config.labels.empty(), "{}: no id2label: expected the topics", source.where);
  ClassLabels topics(source.config.labels);
  return std::unique_ptr<TopicSystem>(new TopicSystem(std::move(source), std::move(topics)));
}

std::unique_ptr<TopicSystem> TopicSystem::create(const TopicOptions& options, const ClassLabels& topics) {
  return std::unique_ptr<TopicSystem>(new TopicSystem(ModelSource::of_new(options, std::nullopt), topics));
}

}  // namespace gradus
