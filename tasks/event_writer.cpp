#include "tasks/event_writer.h"

#include <unistd.h>

#include <array>
#include <bit>
#include <chrono>
#include <filesystem>
#include <system_error>

#include "core/error.h"
#include "core/files.h"
#include "data/crc32c.h"

namespace gradus {
namespace {

// The wire format of protocol buffers: a field is a key, number * 8 + type, and its value.
enum class Wire : uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

void append_varint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>((value & 0x7fU) | 0x80U);
  out += static_cast<char>(value);
}

void append_key(std::string& out, int field, Wire wire) {
  append_varint(out, static_cast<uint64_t>(field) * 8 + static_cast<uint64_t>(wire));
}

template <typename Bits>
void append_fixed(std::string& out, Bits bits) {
  for (size_t i = 0; i < sizeof(bits); ++i) out += static_cast<char>((bits >> (8 * i)) & 0xffU);
}

void append_bytes(std::string& out, int field, std::string_view bytes) {
  append_key(out, field, Wire::bytes);
  append_varint(out, bytes.size());
  out += bytes;
}

void append_double(std::string& out, int field, double value) {
  append_key(out, field, Wire::fixed64);
  append_fixed(out, std::bit_cast<uint64_t>(value));
}

double seconds_since_1970() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "localhost";
}

}  // namespace

std::string version_event(double wall_time) {
  std::string event;
  append_double(event, 1, wall_time);
  append_bytes(event, 3, "brain.Event:2");
  return event;
}

std::string scalar_event(double wall_time, int64_t step, std::string_view tag, float value) {
  std::string point;  // Summary.Value
  append_bytes(point, 1, tag);
  append_key(point, 2, Wire::fixed32);
  append_fixed(point, std::bit_cast<uint32_t>(value));
  std::string summary;
  append_bytes(summary, 1, point);
  std::string event;
  append_double(event, 1, wall_time);
  append_key(event, 2, Wire::varint);
  append_varint(event, static_cast<uint64_t>(step));
  append_bytes(event, 5, summary);
  return event;
}

EventWriter::EventWriter(const std::string& folder) : file_(nullptr, &std::fclose) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  check(!error, "cannot make folder '{}': {}", folder, error.message());
  const double now = seconds_since_1970();
  // The viewer reads the files of a folder in the order of their names, which is that of their times.
  const std::string name =
      fmt::format("events.out.tfevents.{:010}.{}", static_cast<int64_t>(now), host_name());
  path_ = (std::filesystem::path(folder) / name).string();
  for (int i = 1; std::filesystem::exists(path_); ++i) {
    path_ = (std::filesystem::path(folder) / fmt::format("{}.{}", name, i)).string();
  }
  file_.reset(std::fopen(path_.c_str(), "wb"));
  if (file_ == nullptr) fail_errno("write", path_);
  write(version_event(now));
}

void EventWriter::add_scalar(std::string_view tag, int64_t step, double value) {
  write(scalar_event(seconds_since_1970(), step, tag, static_cast<float>(value)));
}

void EventWriter::write(std::string_view event) {
  const std::string record = frame_record(event);
  const bool written = std::fwrite(record.data(), 1, record.size(), file_.get()) == record.size();
  if (!written || std::fflush(file_.get()) != 0) fail_errno("write", path_);
}

}  // namespace gradus
