// Records of both formats as columns of numbers.
#include "data/dataset.h"

#include <doctest/doctest.h>

#include <limits>

#include "core/error.h"
#include "data/mind_record_writer.h"
#include "data/tf_example.h"
#include "data/tf_record.h"
#include "tests/files.h"

using namespace gradus;

namespace {

const std::vector<DatasetColumn> columns{{"ids"}, {"weights", true}, {"extra", false, true}};

std::string where_written(const TemporaryFolder& folder, DatasetFormat format) {
  const std::string path = (folder / "rows").string();
  const auto writer = DatasetWriter::create(path, format, {{"ids"}, {"weights", true}});
  for (int32_t r = 0; r < 3; ++r) {
    DatasetRow row(2);
    row[0].ints = {r, -1, 1 << 20};
    row[1].floats = {0.5F, static_cast<float>(r)};
    writer->write(row);
  }
  writer->finish();
  return path;
}

// A TFRecord file of one Example with 64-bit numbers.
std::string write_example(const TemporaryFolder& folder, const std::string& name,
                          std::vector<int64_t> values) {
  const std::string path = (folder / "one.tfrecord").string();
  TfRecordWriter writer(path);
  TfExampleWriter example;
  example.ints(name, std::span<const int64_t>(values));
  writer.write(example.serialize());
  writer.finish();
  return path;
}

}  // namespace

TEST_CASE("what is written is read, in both formats") {
  for (const DatasetFormat format : {DatasetFormat::mindrecord, DatasetFormat::tfrecord}) {
    const TemporaryFolder folder;
    const auto reader = DatasetReader::open(where_written(folder, format), format, columns);
    DatasetRow row;
    for (int32_t r = 0; r < 3; ++r) {
      REQUIRE(reader->next(row));
      CHECK(row[0].ints == std::vector<int32_t>{r, -1, 1 << 20});
      CHECK(row[1].floats == std::vector<float>{0.5F, static_cast<float>(r)});
      CHECK(row[2].ints.empty());
    }
    CHECK_FALSE(reader->next(row));
    CHECK(reader->warnings().empty());
  }
}

TEST_CASE("columns that are missing, of another kind or too large are named") {
  const TemporaryFolder folder;
  const std::string mind = where_written(folder, DatasetFormat::mindrecord);
  const auto open_mind = [&](std::vector<DatasetColumn> wanted) {
    return DatasetReader::open(mind, DatasetFormat::mindrecord, std::move(wanted));
  };
  CHECK_THROWS_WITH_AS(open_mind({{"labels"}}),
                       (mind + ": no column \"labels\": the records have ids, weights").c_str(), Error);
  CHECK_THROWS_WITH_AS(open_mind({{"weights"}}),
                       (mind + ": column weights holds float32, expected int32 or int64").c_str(), Error);
  const auto read = [](const std::string& path, DatasetColumn column) {
    DatasetRow row;
    DatasetReader::open(path, DatasetFormat::tfrecord, {std::move(column)})->next(row);
  };
  const std::string one = write_example(folder, "ids", {1, int64_t{1} << 31});
  CHECK_THROWS_WITH_AS(read(one, {"ids"}),
                       (one + ": record 1: ids[1] is 2147483648: expected a number of 32 bits").c_str(),
                       Error);
  CHECK_THROWS_WITH_AS(read(one, {"labels"}), (one + ": record 1: no \"labels\": the record has ids").c_str(),
                       Error);
  CHECK_THROWS_WITH_AS(read(one, {"ids", true}),
                       (one + ": record 1: \"ids\" holds int64, expected float").c_str(), Error);
}

TEST_CASE("integers of a record are those of 32 bits, to the last") {
  const TemporaryFolder folder;
  constexpr int64_t least = std::numeric_limits<int32_t>::min(), most = std::numeric_limits<int32_t>::max();
  DatasetRow row;
  const auto read = [&](int64_t value) {
    const std::string path = write_example(folder, "ids", {least, most, 0, value});
    DatasetReader::open(path, DatasetFormat::tfrecord, {{"ids"}})->next(row);
  };
  read(-1);
  CHECK(row[0].ints == std::vector<int32_t>{least, most, 0, -1});
  for (const int64_t value : {least - 1, most + 1, 1 + (int64_t{1} << 32),
                              std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()}) {
    const std::string text = fmt::format("ids[3] is {}: expected a number of 32 bits", value);
    CHECK_THROWS_WITH_AS(read(value), doctest::Contains(text.c_str()), Error);
  }
}

TEST_CASE("a schema limits rows and fixes columns; what is wrong with it is said") {
  const TemporaryFolder folder;
  const std::string path = where_written(folder, DatasetFormat::tfrecord);
  const auto open = [&](const std::string& schema, DatasetFormat format = DatasetFormat::tfrecord) {
    return DatasetReader::open(path, format, {{"ids"}}, folder.write("schema.json", schema));
  };
  const std::string place = (folder / "schema.json").string() + ": ";
  const auto reader =
      open(R"({"datasetType": "TF", "numRows": 2, "columns": {"ids": {"type": "int64", "shape": [3]}}})");
  DatasetRow row;
  CHECK(reader->next(row));
  CHECK(reader->next(row));
  CHECK_FALSE(reader->next(row));
  CHECK_THROWS_WITH_AS(
      open(R"({"datasetType": "TF", "columns": {"ids": {"type": "int64", "shape": [4]}}})")->next(row),
      (path + ": record 1: \"ids\" has 3 values, " + place.substr(0, place.size() - 2) + " says 4").c_str(),
      Error);
  CHECK(open(R"({"datasetType": "TF", "columns": {"ids": {"type": "int64", "shape": [-1]}}})")->next(row));
  CHECK_THROWS_WITH_AS(open(R"({"datasetType": "TF", "columns": {}})"), (place + "no column \"ids\"").c_str(),
                       Error);
  CHECK_THROWS_WITH_AS(open(R"({"datasetType": "TF", "columns": {"ids": {"type": "float32"}}})"),
                       (place + "column ids has the type float32, expected int64").c_str(), Error);
  CHECK_THROWS_WITH_AS(open(R"({"datasetType": "CSV", "columns": {}})"),
                       (place + "'datasetType' is \"CSV\", expected \"TF\"").c_str(), Error);
  CHECK_THROWS_WITH_AS(open(R"({"datasetType": "TF", "numRows": 0, "columns": {}})"),
                       (place + "'numRows' is 0, expected a whole number of 1 or more").c_str(), Error);
  const auto refused = [&](const std::string& schema, const std::string& message) {
    CHECK_THROWS_WITH_AS(open(schema), (place + message).c_str(), Error);
  };
  refused(R"({"datasetType": "TF"})", "'columns' is missing");
  refused(R"([])", "the JSON is [], expected an object");
  refused(R"({"datasetType": "TF", "numRows": 1.5, "columns": {}})",
          "'numRows' is 1.5, expected a whole number");
  refused(R"({"datasetType": "TF", "columns": {"ids": {"type": 64}}})",
          "'columns.ids.type' is 64, expected a string");
  refused(R"({"datasetType": "TF", "columns": {"ids": {"type": "int64", "shape": [3, 0]}}})",
          "'columns.ids.shape[1]' is 0, expected 1 or more, or -1");
  CHECK_THROWS_AS(open("not JSON"), Error);
}
