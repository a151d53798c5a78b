#include "tasks/serve/connection.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace gradus {
namespace {

Connection::Clock::time_point after(double seconds) {
  return Connection::Clock::now() +
         std::chrono::duration_cast<Connection::Clock::duration>(std::chrono::duration<double>(seconds));
}

}  // namespace

Connection::~Connection() { ::close(socket_); }

void Connection::begin_request(double seconds, size_t most_bytes) {
  deadline_ = after(seconds);
  left_ = most_bytes;
  timed_out_ = has_read_ = has_written_ = false;
  out_.clear();
}

bool Connection::wait(short events) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - Clock::now()).count();
    if (left <= 0) break;
    pollfd one{socket_, events, 0};
    const int ready = ::poll(&one, 1, static_cast<int>(left));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
  timed_out_ = true;
  return false;
}

ssize_t Connection::read(char* bytes, size_t size) {
  size = std::min(size, left_);
  if (size == 0) return 0;
  while (begin_ == end_) {
    const ssize_t count = ::recv(socket_, buffer_, sizeof buffer_, MSG_DONTWAIT);
    if (count > 0) {
      begin_ = 0;
      end_ = static_cast<size_t>(count);
    } else if (count == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) {
      return 0;
    } else if (!send_all() || !wait(POLLIN)) {
      return 0;
    }
  }
  const size_t count = std::min(size, end_ - begin_);
  std::memcpy(bytes, buffer_ + begin_, count);
  begin_ += count;
  left_ -= count;
  has_read_ = true;
  return static_cast<ssize_t>(count);
}

void Connection::write(std::string_view bytes) {
  out_ += bytes;
  has_written_ = true;
}

bool Connection::flush(double seconds) {
  deadline_ = after(seconds);
  return send_all();
}

bool Connection::send_all() {
  std::string_view left = out_;
  while (!left.empty()) {
    const ssize_t count = ::send(socket_, left.data(), left.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count >= 0) left.remove_prefix(static_cast<size_t>(count));
    else if (errno != EINTR && ((errno != EAGAIN && errno != EWOULDBLOCK) || !wait(POLLOUT))) return false;
  }
  out_.clear();
  return true;
}

void Connection::linger() {
  constexpr double most_seconds = 1;
  constexpr size_t most_bytes = 64 << 20;
  ::shutdown(socket_, SHUT_WR);
  begin_request(most_seconds, most_bytes);
  begin_ = end_ = 0;
  char bytes[sizeof buffer_];
  while (read(bytes, sizeof bytes) > 0) {
  }
}

}  // namespace gradus
