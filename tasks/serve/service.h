// From the JSON of a request to the JSON of its answer, by trained models that many clients share.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tasks/serve/compute_queue.h"
#include "tasks/serve/metrics.h"
#include "tasks/serve/request.h"
#include "tasks/serve/request_handler.h"
#include "tasks/serve/turns.h"

namespace gradus {

struct ServedModel {
  std::string name;
  std::unique_ptr<TextModel> model;
};

struct ServiceLimits {
  ComputeQueue::Limits queue;
  int64_t text_tokens = 4096;      // of a text; what is longer loses its end
  bool refuse_truncation = false;  // unless a request says what it wants, that is refused with 422
};

// The server's endpoints. Any thread may ask.
class AnswerService {
 public:
  // At least one model; names are different.
  AnswerService(std::vector<ServedModel> models, ServiceLimits limits, ServeMetrics& metrics);

  // POST /v1/tag, /v1/classify and /v1/answer: what the C interface takes (tasks/gradus.h), and where it is wanted "model": its name,
  // and "truncate": whether a text that is too long may lose its end. The result of one, or {"results": [...]}; each is that of
  // tasks/result_json.h with "tokens" and "truncated". The header Server-Timing has the milliseconds it took to make tokens, to wait,
  // and to compute. What is refused gets 400 (malformed), 404 (no such model), 422 (a text would be truncated) or 429 (the queue is
  // full) and {"error": ...}.
  HttpResponse answer(ModelTask task, const HttpRequest& request);
  // GET /v1/models: {"models": [{"name", "task", "pairs"}, ...]}
  HttpResponse models() const;

 private:
  const ServedModel* find(ModelTask task, const std::string& name) const;
  HttpResponse unknown_model(ModelTask task, const std::string& name) const;

  std::vector<ServedModel> models_;
  ServiceLimits limits_;
  ServeMetrics& metrics_;
  // Threads that make tokens at a time: more would only keep each other, and those that compute, waiting.
  Turns tokenizers_;
  ComputeQueue queue_;  // last: its thread uses the rest
};

// The endpoint of a task: "/v1/tag".
std::string endpoint_of(ModelTask task);

constexpr ModelTask model_tasks[] = {ModelTask::tag, ModelTask::classify, ModelTask::answer};

}  // namespace gradus
