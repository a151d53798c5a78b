#include "tasks/json_model.h"

#include <utility>
#include <vector>

namespace gradus {

JsonModel::JsonModel(const std::string& folder, const PipelineOptions& options)
    : model_(open_text_model(folder, options)) {}

const char* JsonModel::task() const {
  return model_->kind() == RequestKind::pairs ? "classify_pairs" : name_of(model_->task());
}

Json JsonModel::run(ModelRequest request) const {
  const bool one = request.one;
  std::vector<TextQuery> queries = queries_of(std::move(request), model_->kind());
  Json list = Json::array();
  for (const auto& work : computed(*model_, queries.size(), [&](size_t i) { return std::move(queries[i]); }))
    list.push_back(model_->result(*work));
  if (one) return std::move(list[0]);
  return {{"results", std::move(list)}};
}

Json JsonModel::run(const Json& request) const { return run(parse_request(request, model_->kind())); }

}  // namespace gradus
