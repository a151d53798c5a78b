#include "tasks/serve/service.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <utility>

#include "core/error.h"
#include "core/joined.h"
#include "core/run_parallel.h"

namespace gradus {
namespace {

HttpResponse busy(double seconds) {
  HttpResponse response = error_response(429, "too many texts wait: try again later");
  response.headers.emplace_back("Retry-After",
                                std::to_string(static_cast<int64_t>(std::max(1.0, std::ceil(seconds)))));
  return response;
}

}  // namespace

std::string endpoint_of(ModelTask task) { return fmt::format("/v1/{}", name_of(task)); }

AnswerService::AnswerService(std::vector<ServedModel> models, ServiceLimits limits, ServeMetrics& metrics)
    : models_(std::move(models)),
      limits_(limits),
      metrics_(metrics),
      tokenizers_(thread_count(0)),
      queue_(limits.queue, [this](const ComputeQueue::Batch& batch) {
        const auto served =
            std::ranges::find(models_, batch.model, [](const ServedModel& m) { return m.model.get(); });
        metrics_.add_batch(served->name, batch.texts, batch.tokens, batch.seconds);
      }) {
  metrics_.add_gauge("gradus_queue_texts", "Texts that wait or are computed.",
                     [this] { return static_cast<double>(queue_.waiting()); });
  metrics_.add_gauge("gradus_queue_texts_limit", "The most of these.",
                     [this] { return static_cast<double>(limits_.queue.texts); });
}

const ServedModel* AnswerService::find(ModelTask task, const std::string& name) const {
  for (const ServedModel& served : models_)
    if (served.model->task() == task && (name.empty() || served.name == name)) return &served;
  return nullptr;
}

HttpResponse AnswerService::unknown_model(ModelTask task, const std::string& name) const {
  std::vector<std::string> names;
  for (const ServedModel& served : models_)
    if (served.model->task() == task) names.push_back(served.name);
  if (names.empty()) return error_response(404, fmt::format("no model is served that can {}", name_of(task)));
  return error_response(404,
                        fmt::format("request: no model '{}', expected one of {}", name, joined(names, ", ")));
}

HttpResponse AnswerService::answer(ModelTask task, const HttpRequest& asked) {
  using Clock = std::chrono::steady_clock;
  ServedRequest request;
  ServedTexts texts;
  const ServedModel* served = nullptr;
  std::optional<ComputeQueue::Places> places;
  std::vector<std::unique_ptr<TextWork>> works;
  double prepared = 0;
  {
    const Turns::Turn turn(tokenizers_);
    const Clock::time_point begin = Clock::now();
    try {
      request = take_request(asked.body);
      served = find(task, request.model);
      if (served == nullptr) return unknown_model(task, request.model);
      texts = texts_of(request.rest, served->model->kind());
      request.rest = {};
      if (std::ssize(texts.queries) > limits_.queue.texts)
        return error_response(413, fmt::format("request: {} texts, expected {} at most", texts.queries.size(),
                                               limits_.queue.texts));
      if (auto taken = queue_.take_places(std::ssize(texts.queries))) places.emplace(std::move(*taken));
      else return busy(queue_.seconds_left());
      for (TextQuery& query : texts.queries)
        works.push_back(served->model->prepare(std::move(query), limits_.text_tokens));
    } catch (const Error& error) {
      return error_response(400, error.what());
    }
    prepared = std::chrono::duration<double>(Clock::now() - begin).count();
  }
  const bool truncates = request.truncate.value_or(!limits_.refuse_truncation);
  for (size_t i = 0; i < works.size() && !truncates; ++i) {
    if (works[i]->truncated)
      return error_response(422, fmt::format("request: text {} is too long: the model reads {} tokens of it",
                                             i, works[i]->tokens));
  }
  ComputeQueue::Timing timing;
  try {
    timing = queue_.compute(*served->model, works);
  } catch (const Error& error) {
    const auto tokens = [](int64_t sum, const auto& work) { return sum + work->tokens; };
    fail("model '{}', {} of {} tokens: {}", served->name,
         works.size() == 1 ? "a text" : fmt::format("{} texts", works.size()),
         std::accumulate(works.begin(), works.end(), int64_t{0}, tokens), error.what());
  }
  metrics_.add_queued(timing.queued);

  Json results = Json::array();
  for (const std::unique_ptr<TextWork>& work : works) {
    Json& result = results.push_back(served->model->result(*work));
    result["tokens"] = work->tokens;
    result["truncated"] = work->truncated;
  }
  HttpResponse response;
  response.body = json_text(texts.one ? std::move(results[0]) : Json{{"results", std::move(results)}}) + "\n";
  response.headers.emplace_back("Server-Timing",
                                fmt::format("tokenize;dur={:.3f}, queue;dur={:.3f}, compute;dur={:.3f}",
                                            1e3 * prepared, 1e3 * timing.queued, 1e3 * timing.computed));
  return response;
}

HttpResponse AnswerService::models() const {
  Json list = Json::array();
  for (const ServedModel& served : models_)
    list.push_back({{"name", served.name},
                    {"task", name_of(served.model->task())},
                    {"pairs", served.model->kind() == RequestKind::pairs}});
  return {200, json_text({{"models", std::move(list)}}) + "\n"};
}

}  // namespace gradus
