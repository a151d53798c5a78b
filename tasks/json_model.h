// A trained model of whichever task, which is asked and answers in JSON.
#pragma once

#include <memory>
#include <string>

#include "core/io/json.h"
#include "tasks/model_request.h"
#include "tasks/pipeline.h"
#include "tasks/text_model.h"

namespace gradus {

// Takes what Tagger, Classifier or Answerer takes, and holds to its rules (tasks/pipeline.h).
class JsonModel {
 public:
  explicit JsonModel(const std::string& folder, const PipelineOptions& options = {});

  // "tag", "classify", "classify_pairs" or "answer".
  const char* task() const;
  // Of one text, pair or question its result_json(), of several {"results": [...]}, one for each, in their order.
  // `request` is parse_request()'s for this task.
  Json run(const Json& request) const;
  Json run(ModelRequest request) const;

 private:
  std::unique_ptr<TextModel> model_;
};

}  // namespace gradus
