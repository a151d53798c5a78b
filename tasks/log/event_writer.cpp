#include "tasks/log/event_writer.h"

#include <chrono>
#include <filesystem>

#include "core/error.h"
#include "core/io/files.h"
#include "core/io/protobuf.h"
#include "data/tf_record.h"
#include "tasks/log/metrics_file.h"

namespace gradus {
namespace {

double seconds_since_1970() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

std::string version_event(double wall_time) {
  protobuf::Writer event;
  event.float64(1, wall_time);
  event.bytes(3, "brain.Event:2");
  return event.str();
}

std::string scalar_event(double wall_time, int64_t step, std::string_view tag, float value) {
  protobuf::Writer point;  // Summary.Value
  point.bytes(1, tag);
  point.float32(2, value);
  protobuf::Writer summary;
  summary.bytes(1, point.str());
  protobuf::Writer event;
  event.float64(1, wall_time);
  event.varint(2, static_cast<uint64_t>(step));
  event.bytes(5, summary.str());
  return event.str();
}

EventWriter::EventWriter(const std::string& folder) {
  make_folder(folder);
  const double now = seconds_since_1970();
  // The viewer reads the files of a folder in the order of their names, which is that of their times.
  const std::string name =
      fmt::format("events.out.tfevents.{:010}.{}", static_cast<int64_t>(now), host_name());
  std::filesystem::path path = std::filesystem::path(folder) / name;
  for (int i = 1; std::filesystem::exists(path); ++i) path.replace_filename(fmt::format("{}.{}", name, i));
  file_.emplace(std::move(path));
  file_->write(frame_record(version_event(now)));
}

void EventWriter::add_scalar(std::string_view tag, int64_t step, double value) {
  file_->write(frame_record(scalar_event(seconds_since_1970(), step, tag, static_cast<float>(value))));
}

}  // namespace gradus
