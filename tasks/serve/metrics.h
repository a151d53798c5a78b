// What a server counts, as Prometheus reads it (its text format, version 0.0.4).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace gradus {

// Numbers that were observed, counted by the bounds that they do not exceed.
class Histogram {
 public:
  explicit Histogram(std::vector<double> bounds) : bounds_(std::move(bounds)), counts_(bounds_.size() + 1) {}
  void add(double value);
  // Lines "name_bucket{labels,le=...} n", name_sum and name_count.
  void append(std::string& text, std::string_view name, std::string_view labels) const;

 private:
  std::vector<double> bounds_;    // rising
  std::vector<uint64_t> counts_;  // the last: beyond them
  double sum_ = 0;
};

// Safe to use from several threads.
class ServeMetrics {
 public:
  // A request that was answered, or refused. `seconds`: from its first byte to the last of the answer.
  void add_request(std::string_view path, int status, double seconds);
  // Texts that were computed together.
  void add_batch(std::string_view model, int64_t texts, int64_t tokens, double seconds);
  // How long a request's texts waited and were computed.
  void add_queued(double seconds);
  // A number that is asked for when the page is: texts that wait, for one.
  void add_gauge(std::string name, std::string help, std::function<double()> value);

  std::string text() const;

 private:
  struct Model {
    uint64_t texts = 0, tokens = 0, batches = 0;
  };
  struct Gauge {
    std::string name, help;
    std::function<double()> value;
  };

  mutable std::mutex guard_;
  std::map<std::pair<std::string, int>, uint64_t> requests_;  // of a path, with a status
  std::map<std::string, Histogram, std::less<>> seconds_;     // by path
  std::map<std::string, Model, std::less<>> models_;
  Histogram queued_ = Histogram(second_bounds()), computed_ = Histogram(second_bounds());
  Histogram batch_texts_ = Histogram({1, 2, 4, 8, 16, 32, 64, 128, 256}),
            batch_tokens_ = Histogram({16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192});
  std::vector<Gauge> gauges_;

  static std::vector<double> second_bounds();
};

}  // namespace gradus
