// Connections of clients. Each has a thread, a time for a whole request, however slowly its bytes come, and a place, of which there are
// only so many: slow clients take no thread that others need.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tasks/serve/request_handler.h"

namespace gradus {

class HttpServer {
 public:
  // A request that was answered, or refused before it was read.
  struct Answered {
    std::string method = {};
    std::string path = "other";  // that of the route
    int status = 0;
    size_t body_bytes = 0;     // of the request
    double seconds = 0;        // from its first byte to the last of the answer
    std::string failure = {};  // why it is 500
  };
  using Observer = std::function<void(const Answered&)>;

  HttpServer(std::vector<HttpRoute> routes, HttpLimits limits, Observer observer);
  // As stop().
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Asked of each request that has a route, before its body is read: whether it may go on, or else what is answered.
  void set_guard(HttpGuard guard);
  // Begins to take connections. Port 0: one that is free. Throws Error with address, port and the system's reason.
  void start(const std::string& host, int port);
  int port() const;
  size_t connections() const;
  // Takes no more connections, answers the requests that have begun to come, and returns when all connections are closed, after
  // request_seconds at most beside what the answers take.
  void stop();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace gradus
