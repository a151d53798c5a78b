// MindRecord sets: those that MindSpore wrote, damaged ones, and round trips.
#include "data/mind_record.h"

#include <doctest/doctest.h>
#include <zlib.h>

#include <cmath>
#include <limits>

#include "core/error.h"
#include "data/mind_record_format.h"
#include "data/mind_record_values.h"
#include "data/mind_record_writer.h"
#include "tests/files.h"
#include "tests/json.h"

using namespace gradus;
namespace fs = std::filesystem;

namespace {

using Type = MindRecordColumn::Type;

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return text;
}

// A value as the fixtures' descriptions write it.
Json described(const MindRecordColumn& column, const MindRecordValue& value) {
  if (column.type == Type::string) return value.bytes;
  if (column.type == Type::bytes) return {{"bytes_hex", hex(value.bytes)}};
  Json data = column.is_integer() ? Json(value.ints) : Json(value.floats);
  if (!column.is_array()) return data[0];
  return {{"dtype", name_of(column.type)}, {"shape", value.shape}, {"data", data}};
}

Json described(const std::vector<MindRecordColumn>& columns, const MindRecordRow& row) {
  Json object = Json::object();
  for (size_t i = 0; i < columns.size(); ++i) object[columns[i].name] = described(columns[i], row[i]);
  return object;
}

std::vector<Json> rows_of(MindRecordReader& reader) {
  std::vector<Json> rows;
  for (MindRecordRow row; reader.next(row);) rows.push_back(described(reader.columns(), row));
  return rows;
}

std::string error_of(const std::vector<std::string>& paths, bool all_shards) {
  try {
    auto reader =
        all_shards ? std::make_unique<MindRecordReader>(paths[0]) : std::make_unique<MindRecordReader>(paths);
    rows_of(*reader);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

std::string gunzipped(const fs::path& path) {
  std::string text;
  gzFile file = gzopen(path.c_str(), "rb");
  REQUIRE(file != nullptr);
  char chunk[1 << 16];
  for (int count = 0; (count = gzread(file, chunk, sizeof chunk)) > 0;)
    text.append(chunk, static_cast<size_t>(count));
  gzclose(file);
  return text;
}

MindRecordValue integers(std::vector<int64_t> values) {
  MindRecordValue value;
  value.ints = std::move(values);
  return value;
}

MindRecordValue reals(std::vector<double> values) {
  MindRecordValue value;
  value.floats = std::move(values);
  return value;
}

MindRecordValue text(std::string bytes) {
  MindRecordValue value;
  value.bytes = std::move(bytes);
  return value;
}

MindRecordOptions small_pages(int64_t shards = 1) {
  MindRecordOptions options;
  options.shards = shards;
  options.header_size = 16U << 10;
  options.page_size = 32U << 10;
  return options;
}

}  // namespace

TEST_CASE("mind_record: every fixture has the rows that MindSpore wrote") {
  const fs::path folder = shared_folder("formats/fixtures/mindrecord");
  if (folder.empty()) return;
  const TemporaryFolder unpacked;
  int sets = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".json") continue;
    const Json expected = json_of(file_content(entry.path()));
    if (!expected.contains("rows")) continue;
    std::string first = (folder / expected["files"][0].get<std::string>()).string();
    CAPTURE(first);
    if (!fs::exists(first)) {
      const fs::path packed(first + ".gz");
      const std::string name = fs::path(first).filename().string();
      fs::copy_file(first + ".db", unpacked / (name + ".db"));
      first = unpacked.write(name, gunzipped(packed));
    }
    MindRecordReader reader(first);
    for (const std::string& warning : reader.warnings()) FAIL_CHECK(warning);
    CHECK(reader.rows() == expected["num_rows"].get<int64_t>());
    CHECK(reader.rows_per_shard() == expected["rows_per_shard"].get<std::vector<int64_t>>());
    Json schema = Json::object();
    for (const MindRecordColumn& column : reader.columns()) {
      schema[column.name]["type"] = name_of(column.type);
      if (column.is_array()) schema[column.name]["shape"] = column.shape;
    }
    CHECK(schema == expected["schema"]);
    const std::vector<Json> rows = rows_of(reader);
    const Json& wanted = expected["rows"];
    REQUIRE(rows.size() == static_cast<size_t>(reader.rows()));
    for (size_t i = 0; i < wanted.size() && i < rows.size(); ++i) CHECK_MESSAGE(rows[i] == wanted[i], i);
    // Every row is found on its own, too.
    MindRecordRow row;
    for (int64_t i = reader.rows() - 1; i >= 0; i -= 1 + reader.rows() / 50) {
      reader.seek(i);
      REQUIRE(reader.next(row));
      CHECK(described(reader.columns(), row) == rows[static_cast<size_t>(i)]);
    }
    reader.seek(reader.rows());
    CHECK_FALSE(reader.next(row));
    ++sets;
  }
  CHECK(sets >= 20);
}

TEST_CASE("mind_record: each damaged fixture is refused, naming the file") {
  const fs::path folder = shared_folder("formats/fixtures/bad");
  if (folder.empty()) return;
  const Json manifest = json_of(file_content(folder / "manifest.json"));
  int refused = 0;
  for (const Json& entry : manifest["entries"].items()) {
    if (entry["kind"] != "mindrecord") continue;
    const std::string name = entry["open"].text();
    CAPTURE(name);
    CAPTURE(entry["wrong"].get<std::string>());
    std::vector<std::string> paths;
    for (const Json& file : entry["files"].items()) {
      if (!file.get<std::string>().ends_with(".db"))
        paths.push_back((folder / file.get<std::string>()).string());
    }
    const std::string error = error_of(paths, name != "mr_shard_differs.mindrecord0");
    const std::string expected = entry["expect"].text();
    if (error == "no error") {
      CHECK_MESSAGE(expected.find("read") != std::string::npos, "was read");
      continue;
    }
    CHECK_MESSAGE(error.find(folder.string()) != std::string::npos, error);
    ++refused;
  }
  CHECK(refused == 31);
}

TEST_CASE("mind_record: without its index a set is read by walking, with a warning") {
  const fs::path folder = shared_folder("formats/fixtures/mindrecord");
  if (folder.empty()) return;
  const std::string name = "mixed_manypages.mindrecord";
  MindRecordReader with((folder / name).string());
  const std::vector<Json> rows = rows_of(with);
  const TemporaryFolder copies;
  const std::string bare = copies.write("renamed", file_content(folder / name));
  MindRecordReader without(bare);
  REQUIRE(without.warnings().size() == 1);
  CHECK(without.warnings()[0] == "no index " + bare + ".db: rows are found by walking");
  CHECK(rows_of(without) == rows);
  MindRecordRow row;
  for (int64_t i = without.rows() - 1; i >= 0; i -= 7) {
    without.seek(i);
    REQUIRE(without.next(row));
    CHECK(described(without.columns(), row) == rows[static_cast<size_t>(i)]);
  }
  fs::copy_file(folder / (name + ".db"), bare + ".db");
  MindRecordReader with_other(bare);
  REQUIRE(with_other.warnings().size() == 1);
  CHECK(with_other.warnings()[0] == bare + ".db is the index of '" + name + "': rows are found by walking");
  CHECK(rows_of(with_other) == rows);
}

TEST_CASE("mind_record: packed integers take the narrowest width") {
  const std::vector<int64_t> values{0, 127, 128, -129};
  const std::string packed = mind_record::pack_integers(values);
  CHECK(hex(packed) == "0000000405007f80007fff");
  std::vector<int64_t> read;
  mind_record::unpack_integers(packed, true, read, "here");
  CHECK(read == values);
  const std::vector<int64_t> wide{INT8_MIN,  INT8_MIN - 1, INT16_MAX, INT16_MAX + 1,
                                  INT32_MIN, INT64_MIN,    INT64_MAX};
  mind_record::unpack_integers(mind_record::pack_integers(wide), false, read, "here");
  CHECK(read == wide);
  CHECK_THROWS_WITH_AS(mind_record::unpack_integers(mind_record::pack_integers(wide), true, read, "here"),
                       "here: packed integer 5 has 8 bytes, expected an int32", Error);
  mind_record::unpack_integers(mind_record::pack_integers({}), true, read, "here");
  CHECK(read.empty());
  for (size_t size = 0; size < packed.size(); ++size)
    CHECK_THROWS_AS(mind_record::unpack_integers(packed.substr(0, size), true, read, "here"), Error);
  CHECK_THROWS_AS(mind_record::unpack_integers(packed + "x", true, read, "here"), Error);
}

TEST_CASE("mind_record: what is written is read again: all types, many pages, several shards") {
  const double infinity = std::numeric_limits<double>::infinity();
  const std::vector<MindRecordColumn> columns{
      {"text", Type::string, {}},      {"id", Type::int64, {}},    {"ratio", Type::float64, {}},
      {"small", Type::float32, {}},    {"label", Type::int32, {}}, {"blob", Type::bytes, {}},
      {"pairs", Type::int64, {-1, 2}}, {"ids", Type::int32, {-1}}, {"box", Type::float32, {2, 2}},
      {"curve", Type::float64, {-1}}};
  const std::vector<int64_t> odd{0,   -1,    127,   128,       -32,       -33,       255,
                                 256, 65535, 65536, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN};
  for (const int64_t shards : {1, 3, 11}) {
    CAPTURE(shards);
    const TemporaryFolder folder;
    MindRecordWriter writer(folder / "set", columns, small_pages(shards));
    // blob, box, curve, id, ids, label, pairs, ratio, small, text
    std::vector<MindRecordRow> rows;
    for (int64_t i = 0; i < 120; ++i) {
      const int64_t number = odd[static_cast<size_t>(i) % odd.size()];
      std::vector<int64_t> ids(static_cast<size_t>(i * 7), i * 300 - 5);
      rows.push_back(
          {text(std::string(static_cast<size_t>(i * 5), static_cast<char>(i))),
           reals({1.5, -0.25, static_cast<double>(i), 0}),
           reals(std::vector<double>(static_cast<size_t>(i % 3), 0.1)), integers({number}), integers(ids),
           integers({static_cast<int32_t>(number)}), integers({number, i, -number / 2, 7}),
           reals({i % 5 == 0 ? infinity : 0.1 * static_cast<double>(i)}), reals({static_cast<double>(0.1F)}),
           text(std::string(static_cast<size_t>(i * 3), 'x') + "中")});
      rows.back()[6].shape = {2, 2};
      rows.back()[1].shape = {2, 2};
      rows.back()[2].shape = {i % 3};
      rows.back()[4].shape = {i * 7};
      writer.write(rows.back(), MindRecordWriter::shard_of(i, 120, shards));
    }
    const std::string first = folder / (shards == 1 ? "set" : shards == 3 ? "set0" : "set00");
    CHECK_FALSE(fs::exists(first));
    writer.finish();
    MindRecordReader reader(first);
    CHECK(reader.warnings().empty());
    CHECK(reader.rows() == 120);
    CHECK(reader.rows_per_shard().size() == static_cast<size_t>(shards));
    MindRecordRow row;
    for (const MindRecordRow& wanted : rows) {
      REQUIRE(reader.next(row));
      CHECK(described(reader.columns(), row) == described(writer.columns(), wanted));
    }
    CHECK_FALSE(reader.next(row));
    for (const int64_t i : {119, 3, 60, 0}) {
      reader.seek(i);
      REQUIRE(reader.next(row));
      CHECK(described(reader.columns(), row) == described(writer.columns(), rows[static_cast<size_t>(i)]));
    }
    int files = 0;
    for ([[maybe_unused]] const auto& entry : fs::directory_iterator(folder.path())) ++files;
    CHECK(files == 2 * shards);
  }
}

TEST_CASE("mind_record: a set without rows") {
  const TemporaryFolder folder;
  MindRecordWriter writer(folder / "empty", {{"ids", Type::int32, {-1}}}, small_pages());
  writer.finish();
  MindRecordReader reader((folder / "empty").string());
  CHECK(reader.rows() == 0);
  MindRecordRow row;
  CHECK_FALSE(reader.next(row));
}

TEST_CASE("mind_record: a writer that is dropped leaves nothing, and refuses what can't be written") {
  const TemporaryFolder folder;
  {
    MindRecordWriter writer(folder / "set", {{"ids", Type::int32, {-1}}}, small_pages());
    writer.write({integers({1, 2, 3})});
    CHECK_THROWS_WITH_AS(writer.write({integers({INT64_MAX})}),
                         "[mind_record] column 'ids' has 9223372036854775807, which no int32 is", Error);
    CHECK_THROWS_AS(writer.write({integers(std::vector<int64_t>(40000, 1))}), Error);  // larger than a page
    CHECK_THROWS_AS(writer.write({}), Error);
  }
  CHECK(fs::is_empty(folder.path()));
  const auto make = [&](std::vector<MindRecordColumn> columns) {
    MindRecordWriter(folder / "set", std::move(columns));
  };
  CHECK_THROWS_AS(make({}), Error);
  CHECK_THROWS_AS(make({{"a b", Type::int32, {}}}), Error);
  CHECK_THROWS_AS(make({{"a", Type::int32, {}}, {"a", Type::int64, {}}}), Error);
  CHECK_THROWS_AS(make({{"a", Type::string, {-1}}}), Error);
  CHECK_THROWS_AS(make({{"a", Type::int32, {-1, -1}}}), Error);
  CHECK_THROWS_AS(make({{"a", Type::int32, {0}}}), Error);
}
