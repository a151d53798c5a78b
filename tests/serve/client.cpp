#include "tests/serve/client.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fmt/core.h>
#include <httplib.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "tests/json.h"
#include "tests/tasks/tiny_task.h"

namespace gradus {
namespace {

std::string in_lower_case(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

Reply reply_of(const httplib::Result& result) {
  if (!result) return {};
  Reply reply{result->status, {}, result->body};
  for (const auto& [name, value] : result->headers) reply.headers[in_lower_case(name)] = value;
  return reply;
}

httplib::Headers headers_of(const std::map<std::string, std::string>& headers) {
  return {headers.begin(), headers.end()};
}

}  // namespace

Json Reply::json() const { return json_of(body); }

RawClient::RawClient(int port, double timeout_seconds)
    : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const auto whole = static_cast<time_t>(timeout_seconds);
  const timeval timeout{whole,
                        static_cast<suseconds_t>(1e6 * (timeout_seconds - static_cast<double>(whole)))};
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  const int on = 1;
  ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  // Where it is refused, what is sent is lost, and no answer comes.
  [[maybe_unused]] const int error =
      ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address);
}

RawClient::~RawClient() { ::close(socket_); }

void RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return;
    bytes.remove_prefix(static_cast<size_t>(count));
  }
}

void RawClient::end() { ::shutdown(socket_, SHUT_WR); }

bool RawClient::read_more() {
  char bytes[16384];
  const ssize_t count = ::recv(socket_, bytes, sizeof bytes, 0);
  if (count <= 0) return false;
  buffer_.append(bytes, static_cast<size_t>(count));
  return true;
}

Reply RawClient::receive() {
  size_t end = 0;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos)
    if (!read_more()) return {};
  Reply reply;
  const std::string head = buffer_.substr(0, end + 2);
  buffer_.erase(0, end + 4);
  if (head.size() > 12) reply.status = std::atoi(head.c_str() + 9);
  for (size_t begin = head.find("\r\n") + 2; begin < head.size();) {
    const size_t line_end = head.find("\r\n", begin), colon = head.find(": ", begin);
    if (colon < line_end)
      reply.headers[in_lower_case(head.substr(begin, colon - begin))] =
          head.substr(colon + 2, line_end - colon - 2);
    begin = line_end + 2;
  }
  const auto length = static_cast<size_t>(std::atoll(reply.headers["content-length"].c_str()));
  while (buffer_.size() < length)
    if (!read_more()) return {};
  reply.body = buffer_.substr(0, length);
  buffer_.erase(0, length);
  return reply;
}

bool RawClient::is_closed() {
  return buffer_.empty() && !read_more() && errno != EAGAIN && errno != EWOULDBLOCK;
}

std::string post_request(const std::string& path, const std::string& body, const std::string& headers) {
  return fmt::format("POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n{}\r\n{}", path,
                     body.size(), headers, body);
}

Reply post(int port, const std::string& path, const std::string& body,
           const std::map<std::string, std::string>& headers) {
  httplib::Client client("127.0.0.1", port);
  client.set_read_timeout(60);
  return reply_of(client.Post(path, headers_of(headers), body, "application/json"));
}

Reply get(int port, const std::string& path, const std::map<std::string, std::string>& headers) {
  httplib::Client client("127.0.0.1", port);
  client.set_read_timeout(60);
  return reply_of(client.Get(path, headers_of(headers)));
}

ServeProcess::ServeProcess(const Words& flags, int port) {
  const auto begin = std::chrono::steady_clock::now();
  const auto seconds = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  process_ = std::make_unique<Process>(
      command_of("serve", joined(flags, Words{"--port=" + std::to_string(port), "--threads=1"})), "");
  const std::string before = "ready: http://";
  while (seconds() < 60 && process_->is_running()) {
    const std::string said = process_->said();
    if (const size_t found = said.find(before); found != std::string::npos && said.ends_with("\n")) {
      port_ = std::stoi(said.substr(said.find(':', found + before.size()) + 1));
      break;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  seconds_to_ready_ = seconds();
  if (port_ == 0) {
    process_->kill();
    FAIL("serve is not ready: " << process_->wait().err);
  }
}

double ServeProcess::metric(const std::string& name) const {
  for (const std::string& line : lines_of(get(port_, "/metrics").body))
    if (line.starts_with(name + " ")) return std::stod(line.substr(name.size() + 1));
  FAIL("no metric " << name);
  return 0;
}

}  // namespace gradus
