// A client's connection: bytes with a limit of time and of number for each request.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

namespace gradus {

class Connection {
 public:
  using Clock = std::chrono::steady_clock;

  // Takes over the socket, and closes it in the end.
  explicit Connection(int socket) : socket_(socket) {}
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  int socket() const { return socket_; }
  // Whether bytes of the next request have been read already.
  bool has_bytes() const { return begin_ < end_; }

  // From now on so much may be read within so much time, and then written.
  void begin_request(double seconds, size_t most_bytes);
  // Allows more to be read.
  void allow(size_t more_bytes) { left_ += more_bytes; }
  // What came, up to `size` bytes; 0 at the end of the stream, when the time is over, and when there were more bytes than allowed.
  ssize_t read(char* bytes, size_t size);
  // Keeps bytes until flush() sends them, or read() before it waits: a client may want to hear "100 Continue" first.
  void write(std::string_view bytes);
  // Sends what was written, in `seconds`. Whether all of it went.
  bool flush(double seconds);

  // Of the request:
  bool timed_out() const { return timed_out_; }
  bool has_read() const { return has_read_; }
  bool has_written() const { return has_written_; }
  // Tells the other side that nothing more comes, and reads what it still sends for a moment: were it left unread, the answer could be lost.
  void linger();

 private:
  // Whether the socket is ready before the time is over.
  bool wait(short events);
  bool send_all();

  int socket_;
  Clock::time_point deadline_;
  size_t left_ = 0;
  char buffer_[16384];
  size_t begin_ = 0, end_ = 0;
  std::string out_;
  bool timed_out_ = false, has_read_ = false, has_written_ = false;
};

}  // namespace gradus
