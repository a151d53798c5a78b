#include "tasks/text_model.h"

#include "tasks/model/model_source.h"
#include "tasks/text_models.h"

namespace gradus {

std::string_view name_of(TextTask task) {
  switch (task) {
    case TextTask::tag:
      return "tag";
    case TextTask::classify:
      return "classify";
    case TextTask::answer:
      return "answer";
  }
  return "";
}

TextTask task_of(const std::string& folder) {
  const TrainedConfig trained = read_trained_config(folder);
  const auto has = [&](const char* key) { return trained.config.other_keys.contains(key); };
  if (has("gradus_ner")) return TextTask::tag;
  if (has("gradus_classifier")) return TextTask::classify;
  if (has("gradus_squad")) return TextTask::answer;
  fail(
      "{}: no \"gradus_ner\", \"gradus_classifier\" or \"gradus_squad\": expected a model trained by "
      "run_ner, "
      "run_classifier or run_squad",
      trained.where);
}

std::unique_ptr<TextModel> open_text_model(const std::string& folder, const PipelineOptions& options) {
  switch (task_of(folder)) {
    case TextTask::tag:
      return std::make_unique<TextTagger>(folder, options);
    case TextTask::classify:
      return std::make_unique<TextClassifier>(folder, options);
    case TextTask::answer:
      break;
  }
  return std::make_unique<TextAnswerer>(folder, options);
}

}  // namespace gradus
