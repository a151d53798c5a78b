#include "tasks/serve/http_server.h"

#include <fmt/core.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <list>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>

#include "core/error.h"

namespace gradus {

struct HttpServer::Parts {
  // A connection that waits for its next request.
  struct Idle {
    int socket;
    bool evicted = false;
  };

  Parts(std::vector<HttpRoute> routes, HttpLimits limits, Observer observer)
      : limits(limits), observer(std::move(observer)), handler(std::move(routes), limits) {}

  void accept_all();
  void begin(int socket);
  void serve(int socket);
  bool wait_for_request(Connection& connection);
  bool answer_one(Connection& connection);
  void refuse(int socket) const;
  void join_finished();

  HttpLimits limits;
  Observer observer;
  RequestHandler handler;
  int listener = -1, port = 0;
  int stop_event = -1;  // readable from stop() on
  std::atomic<bool> stopping = false;
  std::thread acceptor;

  std::mutex guard;
  std::map<int64_t, std::thread> threads;
  std::vector<int64_t> finished;  // of these
  int64_t next_thread = 0;
  std::list<Idle*> idle;  // the longest first
};

namespace {

std::string reason() { return std::generic_category().message(errno); }

// A socket that listens there.
int listen_at(const std::string& host, int port) {
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  const std::string service = std::to_string(port);
  const int error = ::getaddrinfo(host.c_str(), service.c_str(), &hints, &found);
  check(error == 0, "cannot listen on '{}': {}", host, ::gai_strerror(error));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, ::freeaddrinfo);
  std::string why;
  for (const addrinfo* address = found; address != nullptr; address = address->ai_next) {
    const int listener = ::socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                                  address->ai_protocol);
    if (listener >= 0) {
      const int on = 1;
      // A server that was killed leaves connections that would keep the port for a minute.
      ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
      constexpr int waiting = 1024;
      if (::bind(listener, address->ai_addr, address->ai_addrlen) == 0 && ::listen(listener, waiting) == 0)
        return listener;
    }
    why = reason();
    if (listener >= 0) ::close(listener);
  }
  fail("cannot listen on {}:{}: {}", host, port, why);
}

int port_of(int listener) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  check(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0,
        "cannot ask for the port: {}", reason());
  return ntohs(address.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(address).sin6_port
                                             : reinterpret_cast<sockaddr_in&>(address).sin_port);
}

}  // namespace

void HttpServer::Parts::accept_all() {
  for (bool more = true; more;) {
    pollfd ready[] = {{listener, POLLIN, 0}, {stop_event, POLLIN, 0}};
    ::poll(ready, 2, -1);
    more = !stopping;  // those that have connected by then are taken all the same
    for (;;) {
      const int socket = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
      if (socket >= 0) {
        begin(socket);
        continue;
      }
      if (errno == EINTR || errno == ECONNABORTED) continue;
      // No file is free for it: it waits, and so do we, or the loop would take a processor for itself.
      if (errno != EAGAIN && errno != EWOULDBLOCK) std::this_thread::sleep_for(std::chrono::milliseconds(10));
      break;
    }
  }
  ::close(listener);
}

void HttpServer::Parts::begin(int socket) {
  const int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  join_finished();
  const std::lock_guard lock(guard);
  if (threads.size() - finished.size() >= limits.connections) {
    if (idle.empty()) return refuse(socket);
    // Its thread wakes, and finds no more bytes than those that had come before.
    idle.front()->evicted = true;
    ::shutdown(idle.front()->socket, SHUT_RD);
    idle.pop_front();
  }
  const int64_t number = next_thread++;
  try {
    threads.emplace(number, std::thread([this, socket, number] {
                      serve(socket);
                      const std::lock_guard ending(guard);
                      finished.push_back(number);
                    }));
  } catch (const std::system_error&) {
    refuse(socket);
  }
}

void HttpServer::Parts::refuse(int socket) const {
  const std::string body = error_response(503, "too many connections").body;
  const std::string text = fmt::format(
      "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\nContent-Type: "
      "application/json\r\n"
      "Content-Length: {}\r\n\r\n{}",
      body.size(), body);
  [[maybe_unused]] const ssize_t sent = ::send(socket, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  ::shutdown(socket, SHUT_WR);
  ::close(socket);
  observer({.status = 503});
}

void HttpServer::Parts::join_finished() {
  std::vector<std::thread> ended;
  {
    const std::lock_guard lock(guard);
    for (const int64_t number : finished) {
      ended.push_back(std::move(threads.at(number)));
      threads.erase(number);
    }
    finished.clear();
  }
  for (std::thread& thread : ended) thread.join();
}

void HttpServer::Parts::serve(int socket) {
  Connection connection(socket);
  while (wait_for_request(connection) && answer_one(connection)) {
  }
}

bool HttpServer::Parts::wait_for_request(Connection& connection) {
  if (connection.has_bytes()) return true;
  Idle here{connection.socket()};
  std::list<Idle*>::iterator place;
  {
    const std::lock_guard lock(guard);
    place = idle.insert(idle.end(), &here);
  }
  pollfd ready[] = {{connection.socket(), POLLIN, 0}, {stop_event, POLLIN, 0}};
  int count = 0;
  do count = ::poll(ready, 2, static_cast<int>(limits.idle_seconds * 1000));
  while (count < 0 && errno == EINTR);
  {
    const std::lock_guard lock(guard);
    if (!here.evicted) idle.erase(place);
  }
  return count > 0 && ready[0].revents != 0;
}

bool HttpServer::Parts::answer_one(Connection& connection) {
  const Connection::Clock::time_point begin = Connection::Clock::now();
  connection.begin_request(limits.request_seconds, most_head);
  RequestHandler::Exchange begun{connection, stopping};
  handler.handle(begun);
  if (!connection.has_read()) return false;  // the client has closed
  if (!connection.has_written() && connection.timed_out()) {
    const std::string body = error_response(408, "no whole request in time").body;
    connection.write(
        fmt::format("HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Type: application/json\r\n"
                    "Content-Length: {}\r\n\r\n{}",
                    body.size(), body));
    begun.status = 408;
  }
  const bool sent = connection.flush(limits.request_seconds);
  observer({begun.method, begun.path, begun.status, begun.body_bytes,
            std::chrono::duration<double>(Connection::Clock::now() - begin).count(), begun.failure});
  if (!sent) return false;
  if (begun.closes) connection.linger();
  return !begun.closes;
}

HttpServer::HttpServer(std::vector<HttpRoute> routes, HttpLimits limits, Observer observer)
    : parts_(std::make_unique<Parts>(std::move(routes), limits, std::move(observer))) {}

HttpServer::~HttpServer() { stop(); }

void HttpServer::set_guard(HttpGuard guard) { parts_->handler.set_guard(std::move(guard)); }

void HttpServer::start(const std::string& host, int port) {
  Parts& p = *parts_;
  p.listener = listen_at(host, port);
  p.port = port_of(p.listener);
  p.stop_event = ::eventfd(0, EFD_CLOEXEC);
  check(p.stop_event >= 0, "cannot make an event: {}", reason());
  p.acceptor = std::thread([&p] { p.accept_all(); });
}

int HttpServer::port() const { return parts_->port; }

size_t HttpServer::connections() const {
  const std::lock_guard lock(parts_->guard);
  return parts_->threads.size() - parts_->finished.size();
}

void HttpServer::stop() {
  Parts& p = *parts_;
  if (!p.acceptor.joinable()) return;
  p.stopping = true;
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(p.stop_event, &one, sizeof one);
  p.acceptor.join();
  for (auto& [number, thread] : p.threads) thread.join();  // none is added any more
  p.threads.clear();
  ::close(p.stop_event);
}

}  // namespace gradus
