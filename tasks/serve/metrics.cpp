#include "tasks/serve/metrics.h"

#include <fmt/core.h>

#include <algorithm>

namespace gradus {
namespace {

void append_head(std::string& text, std::string_view name, std::string_view help, std::string_view type) {
  text += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

// A label's value between quotes.
std::string quoted(std::string_view value) {
  std::string text = "\"";
  for (const char c : value) {
    if (c == '\n') {
      text += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') text += '\\';
    text += c;
  }
  return text + "\"";
}

}  // namespace

void Histogram::add(double value) {
  const auto place = std::ranges::lower_bound(bounds_, value);
  ++counts_[static_cast<size_t>(place - bounds_.begin())];
  sum_ += value;
}

void Histogram::append(std::string& text, std::string_view name, std::string_view labels) const {
  const std::string_view comma = labels.empty() ? "" : ",";
  uint64_t count = 0;
  for (size_t i = 0; i < bounds_.size(); ++i) {
    count += counts_[i];
    text += fmt::format("{}_bucket{{{}{}le=\"{}\"}} {}\n", name, labels, comma, bounds_[i], count);
  }
  count += counts_.back();
  text += fmt::format("{}_bucket{{{}{}le=\"+Inf\"}} {}\n", name, labels, comma, count);
  const std::string braced = labels.empty() ? "" : fmt::format("{{{}}}", labels);
  text += fmt::format("{0}_sum{1} {2}\n{0}_count{1} {3}\n", name, braced, sum_, count);
}

std::vector<double> ServeMetrics::second_bounds() {
  return {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
}

void ServeMetrics::add_request(std::string_view path, int status, double seconds) {
  const std::lock_guard lock(guard_);
  ++requests_[{std::string(path), status}];
  seconds_.try_emplace(std::string(path), second_bounds()).first->second.add(seconds);
}

void ServeMetrics::add_batch(std::string_view model, int64_t texts, int64_t tokens, double seconds) {
  const std::lock_guard lock(guard_);
  Model& counts = models_[std::string(model)];
  counts.texts += static_cast<uint64_t>(texts);
  counts.tokens += static_cast<uint64_t>(tokens);
  ++counts.batches;
  batch_texts_.add(static_cast<double>(texts));
  batch_tokens_.add(static_cast<double>(tokens));
  computed_.add(seconds);
}

void ServeMetrics::add_queued(double seconds) {
  const std::lock_guard lock(guard_);
  queued_.add(seconds);
}

void ServeMetrics::add_gauge(std::string name, std::string help, std::function<double()> value) {
  const std::lock_guard lock(guard_);
  gauges_.push_back({std::move(name), std::move(help), std::move(value)});
}

std::string ServeMetrics::text() const {
  // Whoever is asked for a number may hold a lock while something is added here.
  std::vector<Gauge> gauges;
  {
    const std::lock_guard lock(guard_);
    gauges = gauges_;
  }
  std::string gauge_text;
  for (const Gauge& gauge : gauges) {
    append_head(gauge_text, gauge.name, gauge.help, "gauge");
    gauge_text += fmt::format("{} {}\n", gauge.name, gauge.value());
  }
  const std::lock_guard lock(guard_);
  std::string text;
  append_head(text, "gradus_requests_total", "Requests answered or refused.", "counter");
  for (const auto& [key, count] : requests_)
    text += fmt::format("gradus_requests_total{{path={},code=\"{}\"}} {}\n", quoted(key.first), key.second,
                        count);
  append_head(text, "gradus_request_seconds", "From a request's first byte to the last of its answer.",
              "histogram");
  for (const auto& [path, seconds] : seconds_)
    seconds.append(text, "gradus_request_seconds", "path=" + quoted(path));
  append_head(text, "gradus_queue_seconds", "How long a request's texts waited for the device.", "histogram");
  queued_.append(text, "gradus_queue_seconds", "");
  append_head(text, "gradus_batch_seconds", "How long a batch was computed.", "histogram");
  computed_.append(text, "gradus_batch_seconds", "");
  append_head(text, "gradus_batch_texts", "Texts in a batch.", "histogram");
  batch_texts_.append(text, "gradus_batch_texts", "");
  append_head(text, "gradus_batch_tokens", "Tokens in a batch.", "histogram");
  batch_tokens_.append(text, "gradus_batch_tokens", "");
  const auto add_counter = [&](const char* name, const char* help, uint64_t Model::*count) {
    append_head(text, name, help, "counter");
    for (const auto& [model, counts] : models_)
      text += fmt::format("{}{{model={}}} {}\n", name, quoted(model), counts.*count);
  };
  add_counter("gradus_texts_total", "Texts computed.", &Model::texts);
  add_counter("gradus_tokens_total", "Tokens computed.", &Model::tokens);
  add_counter("gradus_batches_total", "Batches computed.", &Model::batches);
  return text + gauge_text;
}

}  // namespace gradus
