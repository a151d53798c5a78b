// Loads a running serve with requests as clients send them, and beside them those that no client should send; tells how long good ones took,
// and whether one of them failed or was lost.
//   serve_load --port 8080 --texts sentences.txt --connections 64 --requests 10000 --bad 8
#include <arpa/inet.h>
#include <fmt/core.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <map>
#include <mutex>
#include <random>
#include <thread>

#include "core/error.h"
#include "core/io/json.h"
#include "tasks/main.h"
#include "tasks/options/options.h"

using namespace gradus;

namespace {

using Clock = std::chrono::steady_clock;

struct Settings {
  int64_t port = 8080, connections = 64, requests = 10000, bad = 0, texts_each = 1, random_words = 0;
  double rate = 0;
  std::string texts, path = "/v1/tag";
};

// A connection to this machine.
class Socket {
 public:
  explicit Socket(int64_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    const timeval patience{60, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  ~Socket() { ::close(socket_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  bool send(std::string_view bytes) {
    while (connected_ && !bytes.empty()) {
      const ssize_t count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(count));
    }
    return connected_;
  }
  // The status of the next answer, with its head and body; 0 where none came.
  int receive(std::string& head, std::string& body) {
    size_t end = 0;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos)
      if (!read_more()) return 0;
    head = buffer_.substr(0, end + 2);
    const size_t length_at = head.find("Content-Length: ");
    const size_t length = length_at == std::string::npos ? 0 : std::stoul(head.substr(length_at + 16));
    while (buffer_.size() < end + 4 + length)
      if (!read_more()) return 0;
    body = buffer_.substr(end + 4, length);
    buffer_.erase(0, end + 4 + length);
    return std::atoi(head.c_str() + 9);
  }

 private:
  bool read_more() {
    char bytes[65536];
    const ssize_t count = ::recv(socket_, bytes, sizeof bytes, 0);
    if (count > 0) buffer_.append(bytes, static_cast<size_t>(count));
    return count > 0;
  }

  int socket_;
  bool connected_ = false;
  std::string buffer_;
};

std::string post(const std::string& path, const std::string& body) {
  return fmt::format("POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{}", path, body.size(),
                     body);
}

// What good requests met.
struct Result {
  std::vector<double> seconds, queued, computed;  // of each
  std::map<int, int64_t> failed;                  // by status
  int64_t texts = 0;
};

double milliseconds_of(const std::string& head, const char* what) {
  const size_t found = head.find(what);
  return found == std::string::npos ? 0 : std::stod(head.substr(found + std::string_view(what).size()));
}

// The bodies of good requests, one after the other, for all threads.
class Bodies {
 public:
  explicit Bodies(const Settings& settings) : settings_(settings) {
    std::ifstream file(settings.texts);
    check(file.is_open(), "cannot open '{}'", settings.texts);
    for (std::string line; std::getline(file, line);)
      if (!line.empty()) lines_.push_back(line);
    check(!lines_.empty(), "'{}' has no line", settings.texts);
  }
  std::string make(int64_t number) const {
    if (settings_.texts_each == 1) return json_text({{"text", text(number)}});
    Json texts = Json::array();
    for (int64_t i = 0; i < settings_.texts_each; ++i)
      texts.push_back(text(number * settings_.texts_each + i));
    return json_text({{"texts", std::move(texts)}});
  }

 private:
  // A line, or so many words of lines, at random.
  std::string text(int64_t number) const {
    const std::string& line = lines_[static_cast<size_t>(number) % lines_.size()];
    if (settings_.random_words == 0) return line;
    std::mt19937_64 random(static_cast<uint64_t>(number));
    const uint64_t words = 1 + random() % static_cast<uint64_t>(settings_.random_words);
    std::string made;
    for (uint64_t i = 0; i < words; ++i) {
      const std::string& from = lines_[random() % lines_.size()];
      made += from.substr(0, from.find(' ')) + " ";
    }
    return made;
  }

  const Settings& settings_;
  std::vector<std::string> lines_;
};

// Sends requests until all are sent; with a rate at their times, however long the answers take.
void send_good(const Settings& settings, const Bodies& bodies, std::atomic<int64_t>& next,
               Clock::time_point begin, Result& result) {
  Socket socket(settings.port);
  std::string head, body;
  for (int64_t number = next++; number < settings.requests; number = next++) {
    const std::string request = post(settings.path, bodies.make(number));
    Clock::time_point sent = Clock::now();
    if (settings.rate > 0) {
      sent = begin + std::chrono::duration_cast<Clock::duration>(
                         std::chrono::duration<double>(static_cast<double>(number) / settings.rate));
      std::this_thread::sleep_until(sent);
    }
    const int status = socket.send(request) ? socket.receive(head, body) : 0;
    if (status != 200) {
      ++result.failed[status];
      continue;
    }
    result.seconds.push_back(std::chrono::duration<double>(Clock::now() - sent).count());
    result.queued.push_back(milliseconds_of(head, "queue;dur=") / 1e3);
    result.computed.push_back(milliseconds_of(head, "compute;dur=") / 1e3);
    result.texts += settings.texts_each;
  }
}

// Requests of one bad kind after the other, and what should come of them.
void send_bad(const Settings& settings, int64_t kind, const std::atomic<bool>& ended,
              std::atomic<int64_t>& sent, std::atomic<int64_t>& wrong) {
  const std::string good = post(settings.path, R"({"text": "Anna"})");
  std::string head, body;
  while (!ended) {
    Socket socket(settings.port);
    int expected = 400, found = 400;
    switch (kind % 5) {
      case 0:  // malformed
        socket.send(post(settings.path, R"({"text": "Anna)"));
        found = socket.receive(head, body);
        break;
      case 1:  // no HTTP
        socket.send("text=Anna\r\n\r\n");
        found = socket.receive(head, body);
        break;
      case 2:  // too large
        expected = 413;
        socket.send(fmt::format("POST {} HTTP/1.1\r\nContent-Length: 100000000\r\n\r\n", settings.path) +
                    std::string(100000, 'x'));
        found = socket.receive(head, body);
        break;
      case 3:  // cut off
        socket.send(std::string_view(good).substr(0, good.size() - 5));
        break;
      default:  // slow, but in time
        expected = 200;
        for (const char byte : good) {
          if (ended) return;
          socket.send({&byte, 1});
          std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
        found = socket.receive(head, body);
    }
    ++sent;
    if (found != expected) ++wrong;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

std::string percentiles(std::vector<double> values) {
  if (values.empty()) return "none";
  std::ranges::sort(values);
  const auto at = [&](double share) {
    return 1e3 * values[std::min(values.size() - 1,
                                 static_cast<size_t>(share * static_cast<double>(values.size())))];
  };
  return fmt::format("p50 {:.2f}, p90 {:.2f}, p99 {:.2f}, most {:.2f} ms", at(0.5), at(0.9), at(0.99),
                     1e3 * values.back());
}

int run(int argc, char** argv) {
  Settings s;
  Options options("serve_load", "Loads a running serve, and tells how long its answers took.",
                  "serve_load --port 8080 --texts sentences.txt --connections 64 --requests 10000 --bad 8");
  options.add("port", s.port, "where serve listens on this machine").between(1, 65535);
  options.add("path", s.path, "what is asked");
  options.add("texts", s.texts, "file with a text a line");
  options.add("connections", s.connections, "good clients, each with one request at a time")
      .between(1, 10000);
  options.add("requests", s.requests, "good requests of all").at_least(1);
  options.add("texts_each", s.texts_each, "texts of a request").between(1, 1000);
  options.add("random_words", s.random_words, "0: texts as they are; otherwise 1 to so many of their words")
      .at_least(0);
  options.add("rate", s.rate, "requests a second; 0: as fast as they are answered").at_least(0);
  options.add("bad", s.bad, "clients with malformed, oversized, cut-off and slow requests").at_least(0);
  if (!options.parse(argc, argv)) return 0;
  const Bodies bodies(s);
  std::vector<Result> results(static_cast<size_t>(s.connections));
  std::atomic<int64_t> next = 0, bad_sent = 0, bad_wrong = 0;
  std::atomic<bool> ended = false;
  std::vector<std::thread> good, bad;
  const Clock::time_point begin = Clock::now();
  for (Result& result : results) good.emplace_back([&] { send_good(s, bodies, next, begin, result); });
  for (int64_t kind = 0; kind < s.bad; ++kind)
    bad.emplace_back([&, kind] { send_bad(s, kind, ended, bad_sent, bad_wrong); });
  for (std::thread& thread : good) thread.join();
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  ended = true;
  for (std::thread& thread : bad) thread.join();

  Result all;
  for (const Result& result : results) {
    all.seconds.insert(all.seconds.end(), result.seconds.begin(), result.seconds.end());
    all.queued.insert(all.queued.end(), result.queued.begin(), result.queued.end());
    all.computed.insert(all.computed.end(), result.computed.begin(), result.computed.end());
    all.texts += result.texts;
    for (const auto& [status, count] : result.failed) all.failed[status] += count;
  }
  print_result("{} requests in {:.2f} s: {:.1f} texts/s\n", all.seconds.size(), seconds,
               static_cast<double>(all.texts) / seconds);
  print_result("answered in {}\nqueued      {}\ncomputed    {}\n", percentiles(all.seconds),
               percentiles(all.queued), percentiles(all.computed));
  int64_t failed = 0;
  for (const auto& [status, count] : all.failed) {
    print_result("failed: {} with status {}\n", count, status);
    failed += count;
  }
  print_result("bad requests: {}, of which {} got another answer than they should\n", bad_sent.load(),
               bad_wrong.load());
  return failed + bad_wrong > 0 ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) { return run_main(argc, argv, run); }
