// A request of HTTP/1.1 and its answer, over cpp-httplib, which takes requests apart and writes answers.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tasks/serve/connection.h"

namespace gradus {

struct HttpRequest {
  std::string method, path, body;
  std::string authorization;  // that header
};

struct HttpResponse {
  int status = 200;
  std::string body = {};
  std::string type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers = {};
};

// {"error": text}
HttpResponse error_response(int status, const std::string& text);

struct HttpRoute {
  std::string method;  // GET, which HEAD is too, or POST
  std::string path;
  // Called by the connection's thread. What it throws is answered with 500, and told to who watches the server.
  std::function<HttpResponse(const HttpRequest&)> handle;
};

// Whether a request may go on, or else what is answered.
using HttpGuard = std::function<bool(const HttpRequest&, HttpResponse& refusal)>;

struct HttpLimits {
  size_t connections =
      256;  // at once; the one that has been idle the longest makes room, others are refused with 503
  size_t body = 1 << 20;        // bytes of a request's body; more is refused with 413
  double request_seconds = 10;  // from a request's first byte to its last, and for taking the answer
  double idle_seconds = 75;     // between two requests of a connection
};

// Bytes of a request's first line and headers.
constexpr size_t most_head = 16384;

// Safe to use from several threads.
class RequestHandler {
 public:
  RequestHandler(std::vector<HttpRoute> routes, const HttpLimits& limits);
  ~RequestHandler();
  // Asked of each request that has a route, before its body is read.
  void set_guard(HttpGuard guard);

  struct Exchange {
    Connection& connection;
    const std::atomic<bool>& stopping;  // no further request is wanted
    // The connection ends with this answer: where the next request begins is not known, or there shall be none.
    bool closes = false;
    std::string method = {};
    std::string path = "other";  // that of the route
    int status = 0;
    size_t body_bytes = 0;     // of the request
    std::string failure = {};  // of ours: why the answer is 500
  };
  // Reads one request and writes the answer, or nothing where no request came.
  void handle(Exchange& exchange);

 private:
  class Server;
  std::unique_ptr<Server> server_;
};

}  // namespace gradus
