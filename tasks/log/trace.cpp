#include "tasks/log/trace.h"

#include <fmt/core.h>

#include <filesystem>
#include <set>
#include <string_view>

#include "core/io/files.h"

namespace gradus {

Trace::Trace(const std::string& path, int rank) : path_(path), rank_(rank) {
  if (rank > 0) {
    std::filesystem::path own = path;
    own.replace_extension(fmt::format("{}{}", rank, own.extension().string()));
    path_ = own.string();
  }
  check_writable(path_);
}

void Trace::add(const char* track, const char* name, Clock::time_point begin, Clock::time_point end,
                size_t bytes) {
  const std::lock_guard lock(guard_);
  if (events_.size() < most_events) events_.push_back({track, name, begin, end, bytes});
  else ++dropped_;
}

// Written line by line, an event a line: traces are long. Names are ours, and need no escapes.
void Trace::save() {
  const std::lock_guard lock(guard_);
  std::set<std::string_view> tracks;
  for (const Event& event : events_) tracks.insert(event.track);
  const auto number_of = [&](std::string_view track) {
    return std::distance(tracks.begin(), tracks.find(track)) + 1;
  };
  std::string text = fmt::format(
      "{{\"displayTimeUnit\":\"ms\",\"otherData\":{{\"dropped_events\":{}}},\"traceEvents\":[\n"
      "{{\"ph\":\"M\",\"name\":\"process_name\",\"pid\":{},\"args\":{{\"name\":\"rank {}\"}}}}",
      dropped_, rank_, rank_);
  for (const std::string_view track : tracks)
    text += fmt::format(
        ",\n{{\"ph\":\"M\",\"name\":\"thread_name\",\"pid\":{},\"tid\":{},\"args\":{{\"name\":\"{}\"}}}}",
        rank_, number_of(track), track);
  const auto microseconds = [](Clock::duration time) {
    return std::chrono::duration<double, std::micro>(time).count();
  };
  for (const Event& event : events_) {
    text +=
        fmt::format(",\n{{\"ph\":\"X\",\"name\":\"{}\",\"pid\":{},\"tid\":{},\"ts\":{:.1f},\"dur\":{:.1f}",
                    event.name, rank_, number_of(event.track), microseconds(event.begin - start_),
                    microseconds(event.end - event.begin));
    if (event.bytes > 0) text += fmt::format(",\"args\":{{\"bytes\":{}}}", event.bytes);
    text += "}";
  }
  replace_file(path_, text + "\n]}\n");
}

}  // namespace gradus
