// serve: answers over HTTP by trained models, of names, classes, and answers in a text.
#include <pthread.h>
#include <csignal>
#include <cstdio>
#include <map>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "core/error.h"
#include "core/run_parallel.h"
#include "tasks/log/log.h"
#include "tasks/log/metrics_file.h"
#include "tasks/log/phase.h"
#include "tasks/main.h"
#include "tasks/serve/http_server.h"
#include "tasks/serve/page.h"
#include "tasks/serve/serve_options.h"
#include "tasks/serve/service.h"

using namespace gradus;

namespace {

// SIGTERM and SIGINT are waited for from here on by the one that asks, in this thread and those that it starts. One that is ignored,
// as in a command behind nohup, stays so.
class StopSignals {
 public:
  StopSignals() {
    ::sigemptyset(&signals_);
    for (const int signal : {SIGTERM, SIGINT}) {
      struct sigaction action {};
      ::sigaction(signal, nullptr, &action);
      if (action.sa_handler != SIG_IGN) ::sigaddset(&signals_, signal);
    }
    ::pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  }
  // Returns the signal; a second one ends the process.
  int wait() const {
    int signal = 0;
    ::sigwait(&signals_, &signal);
    ::pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr);
    return signal;
  }

 private:
  sigset_t signals_;
};

// The C library's heaps: one for each processor. By itself it makes eight times as many, and each keeps the most that its threads have
// needed at a time, which are others with every new connection: memory would go on growing for long.
void limit_heaps() {
#ifdef __GLIBC__
  ::mallopt(M_ARENA_MAX, static_cast<int>(thread_count(0)));
#endif
}

std::vector<ServedModel> load_models(const ServeOptions& options) {
  const Phase phase("loading the models");
  std::vector<ServedModel> models;
  for (const auto& [given, folder] : options.models()) {
    std::unique_ptr<TextModel> model = open_text_model(folder, options.pipeline());
    const std::string name = given.empty() ? name_of(model->task()) : given;
    for (const ServedModel& other : models)
      check(other.name != name, "--model {}: there is another model '{}': give names, NAME=FOLDER", folder,
            name);
    models.push_back({name, std::move(model)});
  }
  return models;
}

std::vector<HttpRoute> routes_of(AnswerService& service, const ServeMetrics& metrics) {
  std::vector<HttpRoute> routes;
  for (const ModelTask task : model_tasks)
    routes.push_back({"POST", endpoint_of(task), [&service, task](const HttpRequest& request) {
                        return service.answer(task, request);
                      }});
  routes.push_back({"GET", "/v1/models", [&service](const HttpRequest&) { return service.models(); }});
  routes.push_back({"GET", "/healthz", [](const HttpRequest&) {
                      return HttpResponse{200, "{\"status\":\"ok\"}\n"};
                    }});
  routes.push_back({"GET", "/metrics", [&metrics](const HttpRequest&) {
                      return HttpResponse{200, metrics.text(), "text/plain; version=0.0.4"};
                    }});
  routes.push_back({"GET", "/openapi.json", [](const HttpRequest&) {
                      return HttpResponse{200, std::string(openapi_json)};
                    }});
  routes.push_back({"GET", "/", [](const HttpRequest&) {
                      HttpResponse page{200, std::string(page_html), "text/html; charset=utf-8"};
                      page.headers.emplace_back(
                          "Content-Security-Policy",
                          "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
                          "connect-src 'self'; img-src data:; frame-ancestors 'none'");
                      return page;
                    }});
  return routes;
}

// What is asked of the models, and of their use, needs a key where there are some.
bool needs_key(const std::string& path) { return path.starts_with("/v1/") || path == "/metrics"; }

// Of the request what finds it again, and nothing of the text in it.
void tell_failure(const HttpServer::Answered& request) {
  print_error("{} {}, {} bytes: {}", request.method, request.path, request.body_bytes,
              shown(request.failure));
}

int run(int argc, char** argv) {
  ServeOptions options;
  Options flags("serve",
                "Answers over HTTP by models that run_ner, run_classifier and run_squad have trained: POST "
                "/v1/tag, /v1/classify "
                "and /v1/answer take and give JSON.",
                "serve --model ner_finetune/ckpt &\n"
                "  curl http://127.0.0.1:8080/v1/tag -d '{\"text\": \"Anna lives in Paris .\"}'");
  options.declare(flags);
  if (!flags.parse(argc, argv)) return 0;
  options.finish();
  limit_heaps();
  const StopSignals signals;
  const std::vector<std::string> keys =
      options.api_key_file.empty() ? std::vector<std::string>() : read_api_keys(options.api_key_file);
  ServeMetrics metrics;
  AnswerService service(load_models(options), options.service_limits(), metrics);
  HttpServer server(routes_of(service, metrics), options.http_limits(),
                    [&](const HttpServer::Answered& request) {
                      metrics.add_request(request.path, request.status, request.seconds);
                      if (request.status == 500) tell_failure(request);
                    });
  if (!keys.empty()) {
    server.set_guard([&](const HttpRequest& request, HttpResponse& refusal) {
      if (!needs_key(request.path) || has_api_key(request.authorization, keys)) return true;
      refusal = error_response(401, "no valid key, expected the header \"Authorization: Bearer KEY\"");
      refusal.headers.emplace_back("WWW-Authenticate", "Bearer");
      return false;
    });
  }
  metrics.add_gauge("gradus_connections", "Connections of clients.",
                    [&] { return static_cast<double>(server.connections()); });
  metrics.add_gauge("process_resident_memory_bytes", "Memory of this process.",
                    [] { return static_cast<double>(resident_bytes()); });
  server.start(options.host, static_cast<int>(options.port));
  const bool is_local = options.host == "127.0.0.1" || options.host == "::1" || options.host == "localhost";
  if (keys.empty() && !is_local)
    print_log(stderr, "warning: --host {} without --api_key_file: whoever reaches this machine may ask\n",
              options.host);
  print_log(stdout, "ready: http://{}:{}/\n", options.host, server.port());
  const int signal = signals.wait();
  print_log(stdout, "{}: answering what was accepted, then ending\n",
            signal == SIGTERM ? "SIGTERM" : "SIGINT");
  server.stop();
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return run_main(argc, argv, run); }
