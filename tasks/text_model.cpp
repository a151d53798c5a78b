#include "tasks/text_model.h"

#include <string>
#include <utility>

#include "tasks/text_models.h"

namespace gradus {

std::vector<TextQuery> queries_of(ModelRequest request, RequestKind kind) {
  const auto name = [&](const char* one, const char* many, size_t i) {
    return request.one ? std::string(one) : many + ("[" + std::to_string(i) + "]");
  };
  std::vector<TextQuery> queries;
  for (size_t i = 0; i < request.pairs.size(); ++i) {
    auto& [first, second] = request.pairs[i];
    queries.push_back({std::move(first), {std::move(second)}, name("pair", "pairs", i)});
  }
  for (size_t i = 0; i < request.texts.size(); ++i) {
    if (kind == RequestKind::questions)
      queries.push_back({request.context, {std::move(request.texts[i])}, name("question", "questions", i)});
    else queries.push_back({std::move(request.texts[i]), {}, name("text", "texts", i)});
  }
  return queries;
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
