#include "tasks/serve/request_handler.h"

#include <fmt/core.h>
#include <httplib.h>

#include <algorithm>
#include <exception>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include "core/io/json.h"

namespace gradus {
namespace {

// What cpp-httplib reads from and writes to. Its newer versions ask for more of a stream than its older ones.
class HttpStream final : public httplib::Stream {
 public:
  explicit HttpStream(Connection& connection) : connection_(connection) {}
  bool is_readable() const override { return true; }
  bool is_writable() const { return true; }
  bool wait_readable() const { return true; }
  bool wait_writable() const { return true; }
  time_t duration() const { return 0; }
  ssize_t read(char* bytes, size_t size) override { return connection_.read(bytes, size); }
  ssize_t write(const char* bytes, size_t size) override {
    connection_.write({bytes, size});
    return static_cast<ssize_t>(size);
  }
  void get_remote_ip_and_port(std::string& /*ip*/, int& /*port*/) const override {}
  void get_local_ip_and_port(std::string& /*ip*/, int& /*port*/) const override {}
  // It looks whether the number is one that select() takes, and does nothing else with it.
  socket_t socket() const override { return 0; }

 private:
  Connection& connection_;
};

void put(httplib::Response& to, HttpResponse response) {
  to.status = response.status;
  to.set_content(std::move(response.body), response.type);
  for (auto& [name, value] : response.headers) to.set_header(name, value);
}

std::string text_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::bad_alloc&) {
    return "not enough memory";
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "an unknown exception";
  }
}

bool has_body(const httplib::Request& request) {
  return request.has_header("Transfer-Encoding") ||
         (request.has_header("Content-Length") && request.get_header_value("Content-Length") != "0");
}

// What is wrong with the headers that tell of a body; nothing else reads them with suspicion.
std::optional<HttpResponse> refuse_headers(const httplib::Request& request, size_t most) {
  const bool is_chunked = request.has_header("Transfer-Encoding");
  if (request.has_header("Content-Encoding") && request.get_header_value("Content-Encoding") != "identity")
    return error_response(415, "a body in another Content-Encoding, expected one as it is");
  if (is_chunked && request.has_header("Content-Length"))
    return error_response(400, "both Transfer-Encoding and Content-Length, expected one of them");
  if (is_chunked) {
    const std::string encoding = request.get_header_value("Transfer-Encoding");
    if (request.get_header_value_count("Transfer-Encoding") > 1 || encoding != "chunked")
      return error_response(501, fmt::format("Transfer-Encoding '{}', expected chunked", encoding));
    return std::nullopt;
  }
  if (!request.has_header("Content-Length")) {
    if (request.method == "POST") return error_response(411, "no Content-Length, expected the body's");
    return std::nullopt;
  }
  const std::string length = request.get_header_value("Content-Length");
  const bool is_number = !length.empty() && length.size() < 19 &&
                         std::ranges::all_of(length, [](char c) { return c >= '0' && c <= '9'; });
  if (request.get_header_value_count("Content-Length") > 1 || !is_number)
    return error_response(400, fmt::format("Content-Length '{}', expected one whole number", length));
  if (std::stoull(length) > most)
    return error_response(413, fmt::format("a body of {} bytes, expected {} at most", length, most));
  return std::nullopt;
}

// The request that a thread is at, for what cpp-httplib calls.
struct Current {
  RequestHandler::Exchange& exchange;
  const HttpRoute* route = nullptr;
  bool head_read = false, body_read = false;
};
thread_local Current* current = nullptr;

}  // namespace

class RequestHandler::Server : public httplib::Server {
 public:
  Server(std::vector<HttpRoute> routes, const HttpLimits& limits)
      : routes_(std::move(routes)), limits_(limits) {
    set_payload_max_length(limits_.body);
    set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
      std::optional<HttpResponse> refusal = refuse(request);
      if (!refusal) return HandlerResponse::Unhandled;
      put(response, std::move(*refusal));
      return HandlerResponse::Handled;
    });
    set_expect_100_continue_handler([this](const httplib::Request& request, httplib::Response& response) {
      std::optional<HttpResponse> refusal = refuse(request);
      if (!refusal) return 100;
      put(response, std::move(*refusal));
      return response.status;
    });
    Get(".*", [this](const httplib::Request& request, httplib::Response& response) {
      put(response, answer(request, ""));
    });
    Post(".*", [this](const httplib::Request& request, httplib::Response& response,
                      const httplib::ContentReader& content) {
      std::string body;
      bool is_long = false;
      const bool whole = content([&](const char* bytes, size_t size) {
        is_long = body.size() + size > limits_.body;
        if (!is_long) body.append(bytes, size);
        return !is_long;
      });
      current->exchange.body_bytes = body.size();
      if (whole) return put(response, answer(request, std::move(body)));
      current->exchange.closes = true;
      if (is_long)
        put(response, error_response(413, fmt::format("a body of more than {} bytes", limits_.body)));
      else if (current->exchange.connection.timed_out()) put(response, late());
      else put(response, error_response(400, "the body ends too soon, or its chunks can't be read"));
    });
    // A fault of ours. Where it came before the body was read, nobody knows where the next request begins.
    set_exception_handler([](const httplib::Request&, httplib::Response& response, std::exception_ptr error) {
      current->exchange.closes = current->exchange.closes || !current->body_read;
      current->exchange.failure = text_of(error);
      put(response, error_response(500, current->exchange.failure));
    });
    // What cpp-httplib refuses by itself.
    set_error_handler(HandlerWithResponse([this](const httplib::Request&, httplib::Response& response) {
      if (!response.body.empty()) return HandlerResponse::Handled;
      if (current->exchange.connection.timed_out()) put(response, late());
      else
        put(response, error_response(response.status, response.status == 414 ? "the first line is too long"
                                                                             : "not a request of HTTP/1.1"));
      return HandlerResponse::Handled;
    }));
    set_post_routing_handler([this](const httplib::Request&, httplib::Response& response) {
      current->exchange.status = response.status;
      current->exchange.closes =
          current->exchange.closes || !current->head_read || current->exchange.stopping;
      response.headers.erase("Keep-Alive");
      response.headers.erase("Connection");
      if (current->exchange.closes) response.set_header("Connection", "close");
      else response.set_header("Keep-Alive", fmt::format("timeout={:.0f}", limits_.idle_seconds));
    });
  }

  void set_guard(HttpGuard guard) { guard_ = std::move(guard); }

  void handle(Exchange& exchange) {
    Current here{exchange};
    current = &here;
    HttpStream stream(exchange.connection);
    bool closed = false;
    const auto setup = [&](httplib::Request& request) {
      here.head_read = true;
      exchange.connection.allow(2 * limits_.body + most_head);  // what chunks add to a body
      // Answers go out whole, as they are.
      request.headers.erase("Accept-Encoding");
      request.ranges.clear();
      // Whatever a body is called, it is read as JSON.
      request.headers.erase("Content-Type");
      exchange.closes = exchange.closes || is_last(request);
      exchange.method = request.method;
    };
    const bool done = process(*this, stream, exchange.closes, closed, setup);
    current = nullptr;
    exchange.closes = exchange.closes || closed || !done;
    if (here.route != nullptr) exchange.path = here.route->path;
  }

 private:
  static bool is_last(const httplib::Request& request) {
    std::string connection = request.get_header_value("Connection");
    std::ranges::transform(connection, connection.begin(), [](unsigned char c) { return std::tolower(c); });
    return connection == "close" || (request.version == "HTTP/1.0" && connection != "keep-alive");
  }

  // Newer versions want to be told the addresses.
  template <typename Self, typename Setup>
  static bool process(Self& self, httplib::Stream& stream, bool closes, bool& closed, const Setup& setup) {
    if constexpr (requires { self.process_request(stream, closes, closed, setup); })
      return self.process_request(stream, closes, closed, setup);
    else return self.process_request(stream, "", 0, "", 0, closes, closed, setup);
  }

  // What is wrong with a request, before its body is read.
  std::optional<HttpResponse> refuse(const httplib::Request& request) {
    std::optional<HttpResponse> refusal = refuse_headers(request, limits_.body);
    if (!refusal) refusal = refuse_route(request);
    // A body that nobody reads would be taken for the next request.
    if (request.method == "POST" ? refusal.has_value() : has_body(request)) current->exchange.closes = true;
    return refusal;
  }

  std::optional<HttpResponse> refuse_route(const httplib::Request& request) {
    const std::string method = request.method == "HEAD" ? "GET" : request.method;
    std::string paths, methods;
    for (const HttpRoute& route : routes_) {
      paths += (paths.empty() ? "" : ", ") + route.path;
      if (route.path != request.path) continue;
      methods += (methods.empty() ? "" : ", ") + route.method;
      if (route.method == method) current->route = &route;
    }
    if (methods.empty())
      return error_response(404, fmt::format("nothing at '{}', expected one of {}", request.path, paths));
    if (current->route == nullptr) {
      HttpResponse refusal =
          error_response(405, fmt::format("{} of '{}', expected {}", request.method, request.path, methods));
      refusal.headers.emplace_back("Allow", methods);
      return refusal;
    }
    HttpResponse refusal;
    if (guard_ && !guard_(asked(request, ""), refusal)) return refusal;
    return std::nullopt;
  }

  static HttpRequest asked(const httplib::Request& request, std::string body) {
    return {request.method, request.path, std::move(body), request.get_header_value("Authorization")};
  }

  HttpResponse late() const {
    return error_response(408, fmt::format("no whole request within {} seconds", limits_.request_seconds));
  }

  HttpResponse answer(const httplib::Request& request, std::string body) {
    current->body_read = true;
    return current->route->handle(asked(request, std::move(body)));
  }

  std::vector<HttpRoute> routes_;
  HttpLimits limits_;
  HttpGuard guard_;
};

RequestHandler::RequestHandler(std::vector<HttpRoute> routes, const HttpLimits& limits)
    : server_(std::make_unique<Server>(std::move(routes), limits)) {}
RequestHandler::~RequestHandler() = default;

void RequestHandler::set_guard(HttpGuard guard) { server_->set_guard(std::move(guard)); }

void RequestHandler::handle(Exchange& exchange) { server_->handle(exchange); }

HttpResponse error_response(int status, const std::string& text) {
  return {status, json_text({{"error", text}}, -1, JsonStrings::replaced) + "\n"};
}

}  // namespace gradus
