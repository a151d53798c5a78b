#include "tasks/text_model.h"

#include "tasks/text_models.h"

namespace gradus {

const char* name_of(ModelTask task) {
  switch (task) {
    case ModelTask::tag:
      return "tag";
    case ModelTask::classify:
      return "classify";
    case ModelTask::answer:
      break;
  }
  return "answer";
}

std::unique_ptr<TextModel> open_text_model(const std::string& folder, const PipelineOptions& options) {
  switch (task_of(folder)) {
    case ModelTask::tag:
      return std::make_unique<TextTagger>(folder, options);
    case ModelTask::classify:
      return std::make_unique<TextClassifier>(folder, options);
    case ModelTask::answer:
      break;
  }
  return std::make_unique<TextAnswerer>(folder, options);
}

}  // namespace gradus
