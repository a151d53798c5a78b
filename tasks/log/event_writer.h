// TensorBoard event files: curves of named numbers over the steps of a run.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "core/io/files.h"

namespace gradus {

class EventWriter {
 public:
  // Makes `folder` when it isn't there, and a new file in it. Throws Error with the path and the reason.
  explicit EventWriter(const std::string& folder);

  // Appends one point of the curve `tag`, written at once so that a viewer sees it. Throws Error.
  void add_scalar(std::string_view tag, int64_t step, double value);

  const std::filesystem::path& path() const { return file_->path(); }

 private:
  std::optional<GrowingFile> file_;
};

// The bytes of a protobuf `Event` (tensorflow/core/util/event.proto): the first record of a file, which tells
// its version, and a record with one number.
std::string version_event(double wall_time);
std::string scalar_event(double wall_time, int64_t step, std::string_view tag, float value);

}  // namespace gradus
