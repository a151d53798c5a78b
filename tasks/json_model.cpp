#include "tasks/json_model.h"

#include <utility>
#include <vector>

namespace gradus {

JsonModel::JsonModel(const std::string& folder, const PipelineOptions& options)
    : model_(open_text_model(folder, options)) {}

const char* JsonModel::task() const {
  if (model_->task() == ModelTask::tag) return "tag";
  if (model_->task() == ModelTask::answer) return "answer";
  return model_->kind() == RequestKind::pairs ? "classify_pairs" : "classify";
}

Json JsonModel::run(ModelRequest request) const {
  const bool one = request.one;
  std::vector<std::unique_ptr<TextWork>> works;
  std::vector<TextWork*> all;
  for (TextQuery& query : queries_of(std::move(request), model_->kind()))
    all.push_back(works.emplace_back(model_->prepare(std::move(query))).get());
  model_->compute(all);
  Json list = Json::array();
  for (const std::unique_ptr<TextWork>& work : works) list.push_back(model_->result(*work));
  if (one) return std::move(list[0]);
  return {{"results", std::move(list)}};
}

Json JsonModel::run(const Json& request) const { return run(parse_request(request, model_->kind())); }

}  // namespace gradus
