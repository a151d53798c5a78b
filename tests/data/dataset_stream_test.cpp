#include "data/dataset_stream.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "core/error.h"
#include "core/io/files.h"
#include "tests/files.h"

using namespace gradus;

namespace {

const std::vector<DatasetColumn> columns{{"id"}};

// A folder with files of records that are numbered on: 100, 1 and 130 of them, and a file that is none of the data set.
class Numbers {
 public:
  explicit Numbers(DatasetFormat format, const std::string& ending = "") : format_(format) {
    int32_t number = 0;
    for (const auto& [name, count] : {std::pair{"a", 100}, {"b", 1}, {"c", 130}})
      write(
          fmt::format("{}.{}{}", name, format == DatasetFormat::tfrecord ? "tfrecord" : "mindrecord", ending),
          count, number);
    folder_.write("readme.txt", "no records");
  }

  void write(const std::string& name, int count, int32_t& number) const {
    const auto writer = DatasetWriter::create((folder_ / name).string(), format_, columns);
    DatasetRow row(1);
    for (int i = 0; i < count; ++i) {
      row[0].ints = {number++};
      writer->write(row);
    }
    writer->finish();
  }

  std::string path(const std::string& name = "") const { return (folder_ / name).string(); }
  std::string write_text(const std::string& name, const std::string& text) const {
    return folder_.write(name, text);
  }

  DatasetStream stream(DatasetShuffle shuffle, int32_t rank = 0, int32_t ranks = 1, uint64_t seed = 1) const {
    return DatasetStream(find_dataset_files(path(), format_), columns,
                         {format_, "", shuffle, seed, rank, ranks});
  }

 private:
  TemporaryFolder folder_;
  DatasetFormat format_;
};

std::vector<int32_t> read(DatasetStream& stream) {
  std::vector<int32_t> numbers;
  for (DatasetRow row; stream.next(row);) numbers.push_back(row[0].ints.at(0));
  return numbers;
}

std::vector<int32_t> read_epoch(DatasetStream& stream, int64_t epoch) {
  stream.begin(epoch);
  return read(stream);
}

std::vector<int32_t> counting(int32_t count) {
  std::vector<int32_t> numbers(static_cast<size_t>(count));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

std::vector<int32_t> sorted(std::vector<int32_t> numbers) {
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

}  // namespace

TEST_CASE("a stream of several files: in order, files shuffled, records shuffled") {
  for (const DatasetFormat format : {DatasetFormat::mindrecord, DatasetFormat::tfrecord}) {
    const Numbers numbers(format);
    const std::vector<int32_t> all = counting(231);

    DatasetStream plain = numbers.stream(DatasetShuffle::none);
    CHECK(plain.size() == 231);
    CHECK(read(plain) == all);
    CHECK(read(plain).empty());
    CHECK(read_epoch(plain, 1) == all);
    CHECK(plain.warnings().empty());

    DatasetStream files = numbers.stream(DatasetShuffle::files);
    std::set<std::vector<int32_t>> orders;
    for (int64_t epoch = 0; epoch < 20; ++epoch) {
      const std::vector<int32_t> order = read_epoch(files, epoch);
      CHECK(sorted(order) == all);
      int breaks = 0;
      for (size_t i = 1; i < order.size(); ++i) breaks += order[i] != order[i - 1] + 1 ? 1 : 0;
      CHECK(breaks <= 2);
      orders.insert(order);
    }
    CHECK(orders.size() > 3);

    DatasetStream full = numbers.stream(DatasetShuffle::full), same = numbers.stream(DatasetShuffle::full),
                  other = numbers.stream(DatasetShuffle::full, 0, 1, 2);
    const std::vector<int32_t> first = read_epoch(full, 0), second = read_epoch(full, 1);
    CHECK(sorted(first) == all);
    CHECK(sorted(second) == all);
    CHECK(first != second);
    CHECK(read(same) == first);
    CHECK(read(other) != first);
    // Every tenth of the data has records from every file of a hundred.
    for (size_t begin = 0; begin + 23 <= first.size(); begin += 23)
      CHECK(std::any_of(first.begin() + static_cast<std::ptrdiff_t>(begin),
                        first.begin() + static_cast<std::ptrdiff_t>(begin) + 23,
                        [](int32_t x) { return x < 100; }));
  }
}

TEST_CASE("a stream for several ranks: all records, as many for each") {
  const Numbers numbers(DatasetFormat::tfrecord);
  for (const DatasetShuffle shuffle : {DatasetShuffle::none, DatasetShuffle::files, DatasetShuffle::full}) {
    std::vector<int32_t> together;
    for (int32_t rank = 0; rank < 4; ++rank) {
      DatasetStream stream = numbers.stream(shuffle, rank, 4);
      CHECK(stream.size() == 58);
      const std::vector<int32_t> part = read_epoch(stream, 3);
      CHECK(part.size() == 58);
      together.insert(together.end(), part.begin(), part.end());
    }
    // 4 * 58 = 232: one record is there twice.
    CHECK(std::set<int32_t>(together.begin(), together.end()).size() == 231);
  }
  CHECK_THROWS_AS(numbers.stream(DatasetShuffle::none, 4, 4), Error);
}

TEST_CASE("what ranks have read together is the beginning of the order that one process reads") {
  const Numbers numbers(DatasetFormat::mindrecord);
  for (const DatasetShuffle shuffle : {DatasetShuffle::none, DatasetShuffle::files, DatasetShuffle::full}) {
    DatasetStream whole = numbers.stream(shuffle);
    const std::vector<int32_t> order = read_epoch(whole, 1);
    for (const int32_t ranks : {2, 3, 4}) {
      std::vector<std::vector<int32_t>> parts;
      for (int32_t rank = 0; rank < ranks; ++rank) {
        DatasetStream stream = numbers.stream(shuffle, rank, ranks);
        parts.push_back(read_epoch(stream, 1));
      }
      std::vector<int32_t> together;
      for (size_t i = 0; i < parts[0].size(); ++i) {
        for (const std::vector<int32_t>& part : parts) together.push_back(part[i]);
      }
      CHECK(std::equal(order.begin(), order.end(), together.begin()));
    }
  }
}

TEST_CASE("a stream goes on from any record of an epoch") {
  const Numbers numbers(DatasetFormat::mindrecord);
  for (const DatasetShuffle shuffle : {DatasetShuffle::none, DatasetShuffle::files, DatasetShuffle::full}) {
    DatasetStream stream = numbers.stream(shuffle);
    const std::vector<int32_t> order = read_epoch(stream, 2);
    for (const int64_t from : {0, 1, 64, 200, 231}) {
      stream.seek(from);
      CHECK(read(stream) == std::vector<int32_t>(order.begin() + from, order.end()));
    }
  }
}

TEST_CASE("a stream of compressed files") {
  const Numbers numbers(DatasetFormat::tfrecord, ".gz");
  DatasetStream stream = numbers.stream(DatasetShuffle::none);
  CHECK(read(stream) == counting(231));
  stream.seek(150);
  CHECK(read(stream).size() == 81);
  stream.seek(10);
  CHECK(read(stream).front() == 10);
  DatasetStream last = numbers.stream(DatasetShuffle::none, 2, 3);
  const std::vector<int32_t> part = read(last);
  CHECK(part.size() == 77);
  for (size_t i = 0; i < part.size(); ++i) CHECK(part[i] == static_cast<int32_t>(3 * i + 2));
  CHECK_THROWS_WITH_AS(
      numbers.stream(DatasetShuffle::full),
      (numbers.path("a.tfrecord.gz") +
       ": a compressed file can't be shuffled record by record: expected files to be shuffled whole")
          .c_str(),
      Error);
}

TEST_CASE("a stream tells places and errors where they are reached") {
  const Numbers numbers(DatasetFormat::tfrecord);
  DatasetStream stream = numbers.stream(DatasetShuffle::none);
  DatasetRow row;
  for (int i = 0; i < 102; ++i) REQUIRE(stream.next(row));
  CHECK(stream.where() == numbers.path("c.tfrecord") + ": record 1");

  std::string bytes = file_content(numbers.path("c.tfrecord"));
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 0x55);
  numbers.write_text("c.tfrecord", bytes);
  DatasetStream damaged = numbers.stream(DatasetShuffle::none);
  int64_t read_before = 0;
  const auto read_on = [&] {
    while (damaged.next(row)) ++read_before;
  };
  CHECK_THROWS_AS(read_on(), Error);
  CHECK(read_before == 166);
  CHECK_THROWS_AS(read_on(), Error);

  // One that is given up while its thread has more to read.
  DatasetStream left = numbers.stream(DatasetShuffle::none);
  CHECK(left.next(row));
}

TEST_CASE("a stream: folders, schemas, nothing to read") {
  const Numbers numbers(DatasetFormat::tfrecord);
  const auto files = find_dataset_files(numbers.path(), DatasetFormat::tfrecord);
  CHECK(files.size() == 3);
  CHECK_THROWS_WITH_AS(find_dataset_files(numbers.path(), DatasetFormat::mindrecord),
                       (numbers.path() + ": no file whose name contains \"mindrecord\"").c_str(), Error);
  CHECK(find_dataset_files("x.bin", DatasetFormat::mindrecord) == std::vector<std::string>{"x.bin"});
  // What is being written, an index and a description are none of the data.
  numbers.write_text(fmt::format("a.tfrecord{}77", temporary_mark), "x");
  numbers.write_text("a.tfrecord.expected.json", "{}");
  CHECK(find_dataset_files(numbers.path(), DatasetFormat::tfrecord) == files);
  // numRows counts over all files.
  const std::string schema = numbers.write_text(
      "schema.json",
      R"({"datasetType": "TF", "numRows": 120, "columns": {"id": {"type": "int64", "rank": 1, "shape": [1]}}})");
  DatasetStream stream(files, columns, {DatasetFormat::tfrecord, schema});
  CHECK(read(stream) == counting(120));
  for (const int64_t most : {7, 110, 500}) {
    DatasetStream part(files, columns,
                       {.format = DatasetFormat::tfrecord, .schema_path = schema, .most_records = most});
    CHECK(read(part) == counting(static_cast<int32_t>(std::min<int64_t>(most, 120))));
  }
  // Files that are not needed are not looked into.
  numbers.write_text("d.tfrecord", "broken");
  DatasetStream needed(find_dataset_files(numbers.path(), DatasetFormat::tfrecord), columns,
                       {.format = DatasetFormat::tfrecord, .schema_path = "", .most_records = 7});
  CHECK(read(needed) == counting(7));
  numbers.write_text("d.tfrecord", "");
  CHECK_THROWS_WITH_AS(numbers.stream(DatasetShuffle::none),
                       (numbers.path("d.tfrecord") + ": no record").c_str(), Error);
  CHECK(parse_dataset_shuffle("files") == DatasetShuffle::files);
  CHECK(parse_dataset_shuffle("true") == DatasetShuffle::full);
  CHECK_THROWS_AS(parse_dataset_shuffle("some"), Error);
}

TEST_CASE("a stream of more files than are open at a time") {
  for (const DatasetFormat format : {DatasetFormat::mindrecord, DatasetFormat::tfrecord}) {
    const Numbers numbers(format);
    int32_t number = 231;
    for (int file = 0; file < 270; ++file)
      numbers.write(
          fmt::format("d{:03}.{}", file, format == DatasetFormat::tfrecord ? "tfrecord" : "mindrecord"), 2,
          number);
    DatasetStream stream = numbers.stream(DatasetShuffle::full);
    CHECK(sorted(read_epoch(stream, 0)) == counting(231 + 540));
    CHECK(sorted(read_epoch(stream, 1)) == counting(231 + 540));
  }
}

TEST_CASE("a stream names the shard and its row") {
  const auto folder = shared_folder("formats/fixtures/mindrecord");
  if (folder.empty()) return;
  const std::string path = (folder / "ner_4shard.mindrecord0").string();
  const auto reader = DatasetReader::open(path, DatasetFormat::mindrecord, {{"input_ids"}});
  DatasetStream stream({path}, {{"input_ids"}}, {});
  DatasetRow row, expected;
  while (reader->next(expected)) {
    REQUIRE(stream.next(row));
    CHECK(row[0].ints == expected[0].ints);
    CHECK(stream.where() == reader->where());
  }
  CHECK_FALSE(stream.next(row));
}

TEST_CASE("counting the records of a file does not lose one's place") {
  for (const DatasetFormat format : {DatasetFormat::mindrecord, DatasetFormat::tfrecord}) {
    const Numbers numbers(format);
    const auto reader = DatasetReader::open(
        numbers.path(format == DatasetFormat::tfrecord ? "a.tfrecord" : "a.mindrecord"), format, columns);
    DatasetRow row;
    for (int i = 0; i < 7; ++i) REQUIRE(reader->next(row));
    CHECK(reader->size() == 100);
    REQUIRE(reader->next(row));
    CHECK(row[0].ints == std::vector<int32_t>{7});
    reader->close();
    reader->seek(50);
    REQUIRE(reader->next(row));
    CHECK(row[0].ints == std::vector<int32_t>{50});
  }
}

TEST_CASE("a stream tells which record of all it read last, and other data from these by their checksum") {
  for (const DatasetFormat format : {DatasetFormat::tfrecord, DatasetFormat::mindrecord}) {
    const Numbers numbers(format);
    for (const DatasetShuffle shuffle : {DatasetShuffle::none, DatasetShuffle::full, DatasetShuffle::drawn}) {
      DatasetStream stream = numbers.stream(shuffle);
      stream.begin(1, 40);
      int count = 0;
      for (DatasetRow row; stream.next(row); ++count) CHECK(stream.number() == row[0].ints[0]);
      CHECK(count == 191);
    }
    const uint32_t before = numbers.stream(DatasetShuffle::none).checksum();
    CHECK(numbers.stream(DatasetShuffle::drawn).checksum() == before);
    int32_t next = 231;
    numbers.write(format == DatasetFormat::tfrecord ? "b.tfrecord" : "b.mindrecord", 2, next);
    CHECK(numbers.stream(DatasetShuffle::none).checksum() != before);
  }
}
