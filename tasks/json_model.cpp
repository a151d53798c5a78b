#include "tasks/json_model.h"

#include <utility>

#include "tasks/result_json.h"

namespace gradus {
namespace {

std::variant<Tagger, Classifier, Answerer> open_model(const std::string& folder,
                                                      const PipelineOptions& options) {
  switch (task_of(folder)) {
    case ModelTask::tag:
      return Tagger(folder, options);
    case ModelTask::classify:
      return Classifier(folder, options);
    case ModelTask::answer:
      break;
  }
  return Answerer(folder, options);
}

}  // namespace

JsonModel::JsonModel(const std::string& folder, const PipelineOptions& options)
    : model_(open_model(folder, options)) {}

RequestKind JsonModel::kind() const {
  if (std::holds_alternative<Answerer>(model_)) return RequestKind::questions;
  const Classifier* classifier = std::get_if<Classifier>(&model_);
  return classifier != nullptr && classifier->takes_pairs() ? RequestKind::pairs : RequestKind::texts;
}

const char* JsonModel::task() const {
  if (std::holds_alternative<Tagger>(model_)) return "tag";
  if (std::holds_alternative<Answerer>(model_)) return "answer";
  return kind() == RequestKind::pairs ? "classify_pairs" : "classify";
}

std::vector<Json> JsonModel::results(const ModelRequest& request) const {
  std::vector<Json> results;
  if (const Tagger* tagger = std::get_if<Tagger>(&model_)) {
    const std::vector<std::vector<NamedSpan>> names = tagger->tag_all(request.texts);
    for (size_t i = 0; i < names.size(); ++i) results.push_back(result_json(request.texts[i], names[i]));
  } else if (const Classifier* classifier = std::get_if<Classifier>(&model_)) {
    const bool pairs = kind() == RequestKind::pairs;
    for (const Classification& result :
         pairs ? classifier->classify_pairs(request.pairs) : classifier->classify_all(request.texts))
      results.push_back(result_json(result));
  } else {
    for (const FoundAnswer& answer : std::get<Answerer>(model_).answer_all(request.context, request.texts))
      results.push_back(result_json(request.context, answer));
  }
  return results;
}

Json JsonModel::run(const ModelRequest& request) const {
  std::vector<Json> all = results(request);
  if (request.one) return std::move(all.front());
  Json list = Json::array();
  for (Json& result : all) list.push_back(std::move(result));
  return {{"results", std::move(list)}};
}

Json JsonModel::run(const Json& request) const { return run(parse_request(request, kind())); }

}  // namespace gradus
