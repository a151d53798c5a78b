// A client of serve, and serve itself as its user starts it.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "core/io/json.h"
#include "tests/tasks/program.h"

namespace gradus {

struct Reply {
  int status = 0;                                   // 0: there was no whole answer
  std::map<std::string, std::string> headers = {};  // names in lower case
  std::string body = {};
  Json json() const;
};

// One connection, byte by byte: what no client sends that means well can be sent, too.
class RawClient {
 public:
  explicit RawClient(int port, double timeout_seconds = 60);
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  void send(std::string_view bytes);
  // Ends what is sent; answers can still be read.
  void end();
  Reply receive();
  // Whether the other side has closed the connection, and sent nothing more before.
  bool is_closed();

 private:
  bool read_more();

  int socket_;
  std::string buffer_;
};

// The bytes of a well-formed POST.
std::string post_request(const std::string& path, const std::string& body, const std::string& headers = "");

// Sends one request by cpp-httplib's client, on a connection of its own.
Reply post(int port, const std::string& path, const std::string& body,
           const std::map<std::string, std::string>& headers = {});
Reply get(int port, const std::string& path, const std::map<std::string, std::string>& headers = {});

// A running server on a free port, on this machine.
class ServeProcess {
 public:
  // Waits until it is ready. `flags` beside --port.
  explicit ServeProcess(const Words& flags, int port = 0);
  int port() const { return port_; }
  double seconds_to_ready() const { return seconds_to_ready_; }
  Process& process() { return *process_; }
  // What it is doing, from /metrics.
  double metric(const std::string& name) const;

 private:
  std::unique_ptr<Process> process_;
  int port_ = 0;
  double seconds_to_ready_ = 0;
};

}  // namespace gradus
