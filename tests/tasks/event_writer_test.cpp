// TensorBoard event files, read back byte by byte.
#include "tasks/log/event_writer.h"

#include <doctest/doctest.h>

#include <bit>
#include <ctime>
#include <filesystem>
#include <map>
#include <vector>

#include "core/error.h"
#include "core/io/crc32c.h"
#include "core/io/files.h"
#include "tests/files.h"

using namespace gradus;

namespace {

uint64_t little_endian(std::string_view bytes) {
  uint64_t value = 0;
  for (size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

// The records of a TFRecord file, their checksums checked.
std::vector<std::string> records_of(const std::string& path) {
  const std::string file = read_file(path);
  std::vector<std::string> records;
  std::string_view rest = file;
  while (!rest.empty()) {
    REQUIRE(rest.size() >= 16);
    const uint64_t length = little_endian(rest.substr(0, 8));
    REQUIRE(rest.size() >= 16 + length);
    CHECK(little_endian(rest.substr(8, 4)) == mask_crc(crc32c(rest.substr(0, 8))));
    const std::string_view data = rest.substr(12, length);
    CHECK(little_endian(rest.substr(12 + length, 4)) == mask_crc(crc32c(data)));
    records.emplace_back(data);
    rest.remove_prefix(16 + length);
  }
  return records;
}

// The fields of a protobuf message: the raw bytes of each value, a varint as its eight bytes.
std::map<int, std::string> fields_of(std::string_view message) {
  std::map<int, std::string> fields;
  size_t at = 0;
  const auto varint = [&] {
    uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      REQUIRE(at < message.size());
      const auto byte = static_cast<unsigned char>(message[at++]);
      value |= uint64_t{byte & 0x7fU} << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.size()) {
    const uint64_t key = varint();
    size_t size = 0;
    if (key % 8 == 0) {
      const uint64_t value = varint();
      fields[static_cast<int>(key / 8)] = std::string(reinterpret_cast<const char*>(&value), 8);
      continue;
    }
    if (key % 8 == 1) size = 8;
    else if (key % 8 == 5) size = 4;
    else {
      REQUIRE(key % 8 == 2);
      size = varint();
    }
    REQUIRE(at + size <= message.size());
    fields[static_cast<int>(key / 8)] = std::string(message.substr(at, size));
    at += size;
  }
  return fields;
}

}  // namespace

TEST_CASE("event files: the version, then the numbers in the order they came") {
  const TemporaryFolder folder;
  const std::string logs = (folder.path() / "a" / "logs").string();
  EventWriter writer(logs);
  writer.add_scalar("loss", 1, 2.5);
  writer.add_scalar("eval/f1", 300000, -0.125);
  CHECK(std::filesystem::path(writer.path()).filename().string().starts_with("events.out.tfevents."));

  const std::vector<std::string> records = records_of(writer.path());
  REQUIRE(records.size() == 3);
  const auto version = fields_of(records[0]);
  CHECK(version.at(3) == "brain.Event:2");
  const double time = std::bit_cast<double>(little_endian(version.at(1)));
  CHECK(std::abs(time - static_cast<double>(std::time(nullptr))) < 60);

  const auto check_scalar = [](const std::string& record, const std::string& tag, uint64_t step,
                               float value) {
    const auto event = fields_of(record);
    CHECK(event.size() == 3);
    CHECK(little_endian(event.at(2)) == step);
    const auto point = fields_of(fields_of(event.at(5)).at(1));
    CHECK(point.at(1) == tag);
    CHECK(std::bit_cast<float>(static_cast<uint32_t>(little_endian(point.at(2)))) == value);
  };
  check_scalar(records[1], "loss", 1, 2.5F);
  check_scalar(records[2], "eval/f1", 300000, -0.125F);
}

TEST_CASE("event files: known bytes") {
  CHECK(version_event(1.0) == std::string("\x09\0\0\0\0\0\0\xf0\x3f\x1a\x0d", 11) + "brain.Event:2");
  CHECK(scalar_event(1.0, 300, "ab", 1.0F) ==
        std::string("\x09\0\0\0\0\0\0\xf0\x3f"  // 1: wall_time 1.0
                    "\x10\xac\x02"              // 2: step 300
                    "\x2a\x0b\x0a\x09"          // 5: summary { 1: value {
                    "\x0a\x02"
                    "ab"
                    "\x15\0\0\x80\x3f",  //   1: tag "ab", 2: simple_value 1.0 } }
                    25));
}

TEST_CASE("event files: two in a second have different names, errors name the path") {
  const TemporaryFolder folder;
  const EventWriter a(folder.path().string());
  const EventWriter b(folder.path().string());
  CHECK(a.path() != b.path());
  const std::string file = folder.write("file", "");
  CHECK_THROWS_WITH_AS(EventWriter{file}, ("cannot make folder '" + file + "': Not a directory").c_str(),
                       Error);
}
