// A timeline of a run, in the trace event format that chrome://tracing and ui.perfetto.dev show.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace gradus {

class Trace {
 public:
  using Clock = std::chrono::steady_clock;
  // Of one process of several, `rank`; its file gets the rank into its name but for that of process 0. Throws Error when the file can't be.
  Trace(const std::string& path, int rank);
  Trace(const Trace&) = delete;
  Trace& operator=(const Trace&) = delete;

  // Time 0: all processes call it at the same time.
  void start_clock() { start_ = Clock::now(); }
  // Adds a span of a track: "compute", "communication". `bytes`: that it moved; 0 for none. From any thread.
  void add(const char* track, const char* name, Clock::time_point begin, Clock::time_point end,
           size_t bytes = 0);
  // Writes the file. Throws Error when it can't be.
  void save();

  // A span until it goes out of scope. Without a trace it does nothing.
  class Span {
   public:
    Span(Trace* trace, const char* name) : trace_(trace), name_(name), begin_(Clock::now()) {}
    ~Span() {
      if (trace_ != nullptr) trace_->add("compute", name_, begin_, Clock::now());
    }
    Span(const Span&) = delete;
    Span& operator=(const Span&) = delete;

   private:
    Trace* trace_;
    const char* name_;
    Clock::time_point begin_;
  };

 private:
  struct Event {
    const char* track;
    const char* name;
    Clock::time_point begin, end;
    size_t bytes;
  };
  static constexpr size_t most_events = 1'000'000;

  std::string path_;
  int rank_;
  Clock::time_point start_ = Clock::now();
  std::mutex guard_;
  std::vector<Event> events_;
  size_t dropped_ = 0;
};

}  // namespace gradus
