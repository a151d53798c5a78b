// TFRecord files and the Examples in them: the fixtures that TensorFlow wrote, damaged files, and round trips.
#include "data/tf_record.h"

#include <doctest/doctest.h>

#include <array>
#include <functional>

#include "core/error.h"
#include "core/io/crc32c.h"
#include "data/tf_example.h"
#include "tests/files.h"
#include "tests/json.h"

using namespace gradus;

namespace {

std::vector<std::string> records_of(const std::string& path, Compression compression) {
  TfRecordReader reader(path, compression);
  std::vector<std::string> records;
  for (std::string_view record; reader.next(record);) records.emplace_back(record);
  return records;
}

std::vector<std::string> records_of(const std::string& path) {
  return records_of(path, compression_of(path));
}

// What reading the whole file says.
std::string error_of(const std::string& path) {
  return gradus::error_of([&] { records_of(path); });
}

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return text;
}

// A feature as the fixtures' descriptions write it.
Json described(const TfFeature& feature) {
  Json data = Json::array();
  switch (feature.kind) {
    case TfFeature::Kind::none:
      return {{"kind", nullptr}};
    case TfFeature::Kind::bytes:
      for (const std::string_view value : feature.bytes) data.push_back(hex(value));
      return {{"kind", "bytes"}, {"hex", data}};
    case TfFeature::Kind::floats:
      return {{"kind", "float"}, {"data", feature.floats}};
    case TfFeature::Kind::ints:
      return {{"kind", "int64"}, {"data", feature.ints}};
  }
  return {};
}

void check_examples(const Json& expected, const std::vector<std::string>& records) {
  TfExample example;
  for (size_t i = 0; i < records.size(); ++i) {
    CAPTURE(i);
    example.parse(records[i], "record");
    CHECK(example.features().size() == expected[i].size());
    for (const auto& [name, value] : expected[i].members()) {
      const TfFeature* feature = example.find(name);
      REQUIRE_MESSAGE(feature != nullptr, name);
      CHECK_MESSAGE(described(*feature) == value, name);
    }
  }
}

// One field of a message, by hand: the writer is not to test itself.
std::string field(int number, const std::string& content) {
  return std::string{static_cast<char>(number * 8 + 2), static_cast<char>(content.size())} + content;
}

std::string example_of(const std::string& entry) { return field(1, field(1, entry)); }

}  // namespace

TEST_CASE("tf_record: every fixture, plain and compressed, has the records that TensorFlow wrote") {
  const auto folder = shared_folder("formats/fixtures/tfrecord");
  if (folder.empty()) return;
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".json") continue;
    const Json expected = json_of(file_content(entry.path()));
    for (const auto& [name, kind] : expected["files"].members()) {
      CAPTURE(name);
      const std::vector<std::string> records = records_of((folder / name).string());
      std::vector<size_t> lengths;
      for (const std::string& record : records) lengths.push_back(record.size());
      CHECK(lengths == expected["record_lengths"].get<std::vector<size_t>>());
      if (!expected["examples"].is_null()) check_examples(expected["examples"], records);
      ++files;
    }
  }
  CHECK(files == 15);
}

TEST_CASE("tf_record: each damaged fixture is refused, naming file and record") {
  const auto folder = shared_folder("formats/fixtures/bad");
  if (folder.empty()) return;
  int files = 0;
  const Json manifest = json_of(file_content(folder / "manifest.json"));
  for (const Json& entry : manifest["entries"].items()) {
    if (entry["kind"] != "tfrecord" && entry["kind"] != "tf_example") continue;
    REQUIRE(entry["expect"] == "refuse");
    const std::string path = (folder / entry["open"].get<std::string>()).string();
    const std::string error = error_of([&] {
      TfRecordReader reader(path);
      TfExample example;
      for (std::string_view record; reader.next(record);) {
        if (entry["kind"] == "tf_example") example.parse(record, reader.where());
      }
    });
    CHECK_MESSAGE(error.starts_with(path + ": "), error);
    ++files;
  }
  CHECK(files == 15);
}

TEST_CASE("tf_record: what is written is read again, in every compression") {
  const TemporaryFolder folder;
  std::vector<std::string> records{"", "a", std::string(100, '\0')};
  for (size_t i = 0; i < 5; ++i) {  // across many pieces, of which some end within a length
    std::string bytes(100'003 * (i + 1), ' ');
    for (size_t k = 0; k < bytes.size(); ++k) bytes[k] = static_cast<char>((k * 2654435761U) >> 13);
    records.push_back(bytes);
  }
  for (const char* name : {"plain", "packed.gz", "packed.zlib"}) {
    CAPTURE(name);
    const std::string path = folder / name;
    TfRecordWriter writer(path);
    for (const std::string& record : records) writer.write(record);
    CHECK_FALSE(std::filesystem::exists(path));
    writer.finish();
    CHECK(records_of(path) == records);
  }
  CHECK(file_content(folder / "packed.gz").substr(0, 2) == "\x1f\x8b");
  // Two gzip files, one behind the other, are one.
  const std::string twice =
      folder.write("twice.gz", file_content(folder / "packed.gz") + file_content(folder / "packed.gz"));
  CHECK(records_of(twice).size() == 2 * records.size());
  CHECK(records_of(folder.write("empty", "")).empty());
}

TEST_CASE("tf_record: records are found whatever part of the file is mapped at a time") {
  const TemporaryFolder folder;
  const std::string path = (folder / "a.tfrecord").string();
  std::vector<uint64_t> expected;
  std::string content;
  for (size_t i = 0; i < 300; ++i) {
    expected.push_back(content.size());
    content += frame_record(std::string(i * 7 % 100, 'x'));
  }
  write_file(path, content);
  for (const size_t part : {12, 13, 40, 4096, 4097, 1 << 24})
    CHECK(TfRecordReader(path).find_records(part) == expected);
  for (size_t cut : {size_t{1}, size_t{11}, size_t{15}, size_t{30}}) {
    write_file(path, content.substr(0, expected.back() + cut));
    std::string sequential;
    TfRecordReader reader(path);
    sequential = error_of([&] {
      for (std::string_view record; reader.next(record);) {
      }
    });
    REQUIRE(sequential != "");
    CHECK(error_of([&] { TfRecordReader(path).find_records(64); }) == sequential);
  }
}

TEST_CASE("tf_record: a record is length, checksum, data, checksum") {
  const std::string record = frame_record("123456789");
  REQUIRE(record.size() == 8 + 4 + 9 + 4);
  CHECK(record.substr(0, 8) == std::string("\x09\0\0\0\0\0\0\0", 8));
  CHECK(record.substr(12, 9) == "123456789");
  const auto word = [&](size_t at) {
    uint32_t value = 0;
    for (size_t i = 0; i < 4; ++i) value |= uint32_t{static_cast<unsigned char>(record[at + i])} << (8 * i);
    return value;
  };
  CHECK(word(8) == mask_crc(crc32c(record.substr(0, 8))));
  // 0xe3069283 rotated right by 15 bits is 0x2507c60d.
  CHECK(word(21) == 0x2507c60dU + 0xa282ead8U);
}

TEST_CASE("tf_record: a file that is cut off anywhere is refused, unless the cut is between records") {
  const TemporaryFolder folder;
  const std::string first = frame_record("123"), whole = first + frame_record("45");
  for (size_t size = 0; size <= whole.size(); ++size) {
    CAPTURE(size);
    const std::string path = folder.write("cut", whole.substr(0, size));
    if (size == 0 || size == first.size() || size == whole.size()) {
      CHECK(records_of(path).size() == (size == 0 ? 0 : size == first.size() ? 1 : 2));
      continue;
    }
    const bool in_first = size < first.size();
    const std::string place =
        fmt::format("{}: record {} at byte {}: ", path, in_first ? 1 : 2, in_first ? 0 : first.size());
    CHECK_MESSAGE(error_of(path).starts_with(place), error_of(path));
    CHECK(error_of(path).find("cut") != std::string::npos);
  }
}

TEST_CASE("tf_record: errors say what is wrong") {
  const TemporaryFolder folder;
  const std::string none = folder / "none";
  CHECK(error_of(none) == "cannot open '" + none + "': No such file or directory");
  const std::string text = folder.write("text", "input_ids input_mask");
  CHECK(error_of(text) == text +
                              ": record 1 at byte 0: the checksum of its length is wrong: this is no "
                              "TFRecord file, or a compressed one");
  const std::string plain = folder.write("plain.gz", frame_record("x"));
  CHECK(error_of(plain).starts_with(plain + ": not a gzip file, or a damaged one: "));
  std::string flipped = frame_record("x");
  flipped[12] = 'y';
  const std::string wrong = folder.write("wrong", flipped);
  CHECK(error_of(wrong) == wrong + ": record 1 at byte 0: the checksum of its data is wrong");
}

TEST_CASE("tf_example: what is written is read again, and its bytes don't depend on the order") {
  const std::array<int64_t, 6> ints{-1, 0, 127, 128, INT64_MIN, INT64_MAX};
  const std::array<int32_t, 3> masks{1, 1, 0};
  const std::array<float, 2> weights{1.5F, -0.0F};
  const std::array<std::string, 2> texts{"", "\xE4\xB8\xAD"};
  TfExampleWriter writer;
  writer.ints("ids", ints);
  writer.ints("mask", masks);
  writer.floats("weights", weights);
  writer.bytes("texts", texts);
  writer.ints("nothing", std::span<const int64_t>());
  TfExampleWriter other;
  other.bytes("texts", texts);
  other.ints("nothing", std::span<const int64_t>());
  other.floats("weights", weights);
  other.ints("mask", masks);
  other.ints("ids", ints);
  const std::string bytes = writer.serialize();
  CHECK(other.serialize() == bytes);

  TfExample example;
  example.parse(bytes, "example");
  CHECK(example.features().size() == 5);
  CHECK(example.find("ids")->ints == std::vector<int64_t>(ints.begin(), ints.end()));
  CHECK(example.find("mask")->ints == std::vector<int64_t>{1, 1, 0});
  CHECK(example.find("weights")->floats == std::vector<float>{1.5F, -0.0F});
  CHECK(example.find("texts")->bytes == std::vector<std::string_view>{"", "\xE4\xB8\xAD"});
  CHECK(example.find("nothing")->kind == TfFeature::Kind::ints);
  CHECK(example.find("nothing")->ints.empty());
  CHECK(example.find("none") == nullptr);
  example.parse("", "example");
  CHECK(example.features().empty());
}

TEST_CASE("tf_example: names and lists that occur more than once") {
  const std::string one = field(3, field(1, "\x01")), two = field(3, field(1, "\x02"));
  TfExample example;
  std::string message;  // the example keeps views of it
  const auto parse = [&](const std::string& text) {
    message = text;
    example.parse(message, "m");
  };
  // Of two entries the last one counts.
  parse(example_of(field(1, "a") + field(2, one)) + example_of(field(1, "a") + field(2, two)));
  CHECK(example.features().size() == 1);
  CHECK(example.find("a")->ints == std::vector<int64_t>{2});
  // Two lists of one feature are one, lists of two kinds are the last one.
  parse(example_of(field(1, "a") + field(2, one + two)));
  CHECK(example.find("a")->ints == std::vector<int64_t>{1, 2});
  parse(example_of(field(1, "a") + field(2, one + field(1, field(1, "x")))));
  CHECK(example.find("a")->kind == TfFeature::Kind::bytes);
  CHECK(example.find("a")->ints.empty());
  // An entry without a name, and one without a feature.
  parse(example_of(field(2, one)) + example_of(field(1, "b")));
  REQUIRE(example.features().size() == 2);
  CHECK(example.find("")->ints == std::vector<int64_t>{1});
  CHECK(example.find("b")->kind == TfFeature::Kind::none);
}

TEST_CASE("tf_example: errors give the byte in the record") {
  TfExample example;
  CHECK_THROWS_WITH_AS(
      example.parse(example_of(field(1, "a") + field(2, field(2, field(1, "xyz")))), "f: record 3"),
      "f: record 3: byte 13: packed floats of a length that 4 does not divide", Error);
  CHECK_THROWS_WITH_AS(example.parse("\x0a\x05\x0a", "f: record 1"),
                       "f: record 1: byte 0: field 1 of 5 bytes, 1 are left", Error);
  CHECK_THROWS_WITH_AS(example.parse("\x08\x01", "f: record 1"),
                       "f: record 1: byte 0: field 1 of wire type 0, expected 2", Error);
  CHECK_THROWS_WITH_AS(example.parse(std::string_view("\x00", 1), "f: record 1"),
                       "f: record 1: byte 0: field number 0", Error);
}

TEST_CASE("tf_example: a SequenceExample is refused, fields that an Example does not have are counted") {
  const std::string feature = field(1, "a") + field(2, field(3, field(1, "\1")));
  TfExample example;
  const std::string plain = example_of(feature);  // of which the example keeps views
  example.parse(plain, "r");
  CHECK(example.find("a")->ints == std::vector<int64_t>{1});
  CHECK(example.unknown_fields() == 0);
  // The context of a SequenceExample is an Example's features; the lists stand beside it.
  CHECK_THROWS_WITH_AS(example.parse(example_of(feature) + field(2, field(1, feature)), "r"),
                       doctest::Contains("byte 14: this is a tf.train.SequenceExample"), Error);
  int64_t count = 0;
  for (const std::string& message :
       {example_of(feature) + field(3, "x"), example_of(feature) + field(1, field(2, "x")),
        example_of(feature + field(3, "x")), example_of(field(1, "a") + field(2, field(4, ""))),
        example_of(field(1, "a") + field(2, field(3, field(2, "\1"))))}) {
    example.parse(message, "r");
    CHECK(example.unknown_fields() == ++count);
  }
}
