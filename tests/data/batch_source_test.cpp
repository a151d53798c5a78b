// Batches as values, where they come from, and examples that lie in a file.
#include "data/batch_source.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "data/example_store.h"
#include "data/record_batches.h"
#include "tests/files.h"

using namespace gradus;

namespace {

using Ints = std::vector<int32_t>;

// A batch that tells which examples it is of.
HostBatch pack_numbers(std::span<const int32_t> chosen) {
  HostBatch batch;
  batch.examples = std::ssize(chosen);
  batch.numbers.assign(chosen.begin(), chosen.end());
  return batch;
}

using Numbers = std::vector<std::vector<int64_t>>;

Numbers rest_of(BatchSource& source) {
  Numbers all;
  for (HostBatch batch; source.next(batch);) all.push_back(batch.numbers);
  return all;
}

Numbers epoch_of(BatchSource& source, int64_t epoch, int64_t first = 0) {
  source.begin(epoch, first);
  return rest_of(source);
}

// What a source of any kind promises.
void check_source(BatchSource& source) {
  const Numbers first = epoch_of(source, 0);
  CHECK(std::ssize(first) == source.count(0));
  CHECK(epoch_of(source, 1) != first);
  CHECK(epoch_of(source, 0) == first);
  for (int64_t from = 0; from <= source.count(0); ++from)
    CHECK(epoch_of(source, 0, from) == Numbers(first.begin() + from, first.end()));
  // Left in the middle, begun again.
  source.begin(0, 0);
  HostBatch batch;
  REQUIRE(source.next(batch));
  CHECK(epoch_of(source, 0, 1) == Numbers(first.begin() + 1, first.end()));
  CHECK(error_of([&] { source.begin(0, source.count(0) + 1); }) != "");
  CHECK(error_of([&] { source.begin(0, -1); }) != "");
}

std::unique_ptr<BatchSource> shuffled_examples() {
  BatchPlan plan;
  plan.batch_size = 4;
  return std::make_unique<ExampleBatches>(Ints(30, 7), plan, pack_numbers);
}

// A file of records that hold their number.
class RecordFile {
 public:
  explicit RecordFile(int32_t count) {
    const auto writer = DatasetWriter::create(path(), DatasetFormat::tfrecord, {{"id"}});
    for (int32_t i = 0; i < count; ++i) writer->write({{{i}, {}}});
    writer->finish();
  }
  std::string path() const { return (folder_ / "a.tfrecord").string(); }

  // Its records in batches of 4, without those that `leave_out` names.
  std::unique_ptr<RecordBatches> batches(DatasetShuffle shuffle, std::function<bool(int32_t)> leave_out,
                                         int64_t size = 4) const {
    const DatasetStreamOptions options{DatasetFormat::tfrecord, "", shuffle};
    auto packer = std::make_unique<ExamplePacker<int32_t>>(
        [leave_out](const DatasetReader&, const DatasetRow& row) {
          const int32_t id = row[0].ints[0];
          return leave_out(id) ? std::nullopt : std::optional(id);
        },
        [](std::span<const int32_t> examples, std::span<const int32_t> chosen) {
          CHECK(examples.size() == chosen.size());
          return pack_numbers(examples);
        });
    return std::make_unique<RecordBatches>(
        std::make_shared<DatasetStream>(path(), std::vector<DatasetColumn>{{"id"}}, options), size,
        std::move(packer));
  }

 private:
  TemporaryFolder folder_;
};

bool none(int32_t) { return false; }

}  // namespace

TEST_CASE("a batch is one block of named parts") {
  HostBatch batch;
  batch.add("ids", {3}, std::span<const int32_t>(Ints{7, 8, 9}));
  batch.add("scores", {2, 1}, std::span<const float>(std::vector<float>{0.5F, 2}));
  batch.add_offsets("offsets", Ints{0, 1, 3}, 2);
  CHECK(batch.part("ids").dtype == DType::int32);
  CHECK(batch.part("scores").shape == Shape{2, 1});
  CHECK(batch.part("scores").offset == 64);
  CHECK(batch.part("offsets").longest == 2);
  CHECK(batch.block().size() == 128 + 12);
  CHECK(error_of([&] { batch.part("labels"); }) == "[batch] no part is named 'labels'");
  CHECK(error_of([&] { batch.add("ids", {1}, std::span<const int32_t>(Ints{1})); }) ==
        "[batch] two parts are named 'ids'");
  CHECK(error_of([&] { batch.add("more", {2}, std::span<const int32_t>(Ints{1})); }) ==
        "[batch] part 'more' of shape [2] has 4 bytes, expected 8");
}

TEST_CASE("batches of examples: those of the plan, from any of them on, also when they are made ahead") {
  check_source(*shuffled_examples());
  ReadAhead ahead(shuffled_examples());
  check_source(ahead);
  CHECK(epoch_of(ahead, 3) == epoch_of(*shuffled_examples(), 3));
  CHECK(ahead.examples() == 30);
}

TEST_CASE("given batches are the same in every epoch") {
  ExampleBatches source({{2, 0}, {1}}, pack_numbers);
  CHECK(source.examples() == 3);
  CHECK(epoch_of(source, 0) == Numbers{{2, 0}, {1}});
  CHECK(epoch_of(source, 5) == Numbers{{2, 0}, {1}});
}

TEST_CASE("reading ahead: at most a few batches wait, and an error comes when its turn has come") {
  std::atomic<int> packed = 0;
  const auto pack = [&](std::span<const int32_t> chosen) {
    if (chosen[0] == 20) throw Error("example 20");
    ++packed;
    return pack_numbers(chosen);
  };
  ReadAhead source(std::make_unique<ExampleBatches>(
      Ints(30, 1),
      BatchPlan{.batch_size = 4, .batch_tokens = 0, .shuffle = false, .group_lengths = false, .seed = 1},
      pack));
  HostBatch batch;
  CHECK(error_of([&] { source.next(batch); }) == "[batches] next() before begin()");
  source.begin(0, 0);
  for (int i = 0; i < 1000 && packed < 4; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK(packed == 4);  // three wait, and the thread has one in its hands
  for (int64_t i = 0; i < 5; ++i) {
    REQUIRE(source.next(batch));
    CHECK(batch.numbers[0] == 4 * i);
  }
  CHECK(error_of([&] { source.next(batch); }) == "example 20");
  source.begin(0, 6);
  CHECK(rest_of(source) == Numbers{{24, 25, 26, 27}, {28, 29}});
  source.begin(0, 0);  // and left with batches that wait
}

TEST_CASE("batches of records: every record once an epoch, in the order of the stream") {
  const RecordFile file(30);
  for (const DatasetShuffle shuffle : {DatasetShuffle::full, DatasetShuffle::none}) {
    const auto source = file.batches(shuffle, none);
    Ints all;
    for (const auto& batch : epoch_of(*source, 2)) all.insert(all.end(), batch.begin(), batch.end());
    if (shuffle == DatasetShuffle::none) CHECK(std::ranges::is_sorted(all));
    std::ranges::sort(all);
    CHECK(all == numbers_below(30));
    CHECK(source->remark().empty());
  }
  ReadAhead ahead(file.batches(DatasetShuffle::full, none));
  check_source(ahead);
  CHECK(ahead.examples() == 30);
}

TEST_CASE("streamed records come in the order of shuffled examples, also in batches larger than the data") {
  const RecordFile file(30);
  const auto source = file.batches(DatasetShuffle::drawn, none);
  BatchPlan plan;
  plan.batch_size = 4;
  ExampleBatches examples(Ints(30, 1), plan, pack_numbers);
  for (const int64_t epoch : {0, 1, 5}) CHECK(epoch_of(*source, epoch) == epoch_of(examples, epoch));
  CHECK(epoch_of(*source, 1, 3) == epoch_of(examples, 1, 3));
  const auto whole = file.batches(DatasetShuffle::none, none, INT64_MAX);
  CHECK(whole->count(0) == 1);
  CHECK(epoch_of(*whole, 0).at(0).size() == 30);
  CHECK(epoch_of(*whole, 0, 1).empty());
}

TEST_CASE("records that are left out: others stand in where none is left, and all are counted") {
  const RecordFile file(30);
  // The batches of 4 to 7 and of 28 and 29 are empty.
  const auto odd = [](int32_t id) { return (id >= 4 && id < 9) || id == 11 || id >= 28 || id == 0; };
  const auto source = file.batches(DatasetShuffle::none, odd);
  const Numbers expected{{1, 2, 3},        {9}, {9, 10}, {12, 13, 14, 15}, {16, 17, 18, 19}, {20, 21, 22, 23},
                         {24, 25, 26, 27}, {1}};
  CHECK(epoch_of(*source, 0) == expected);
  CHECK(source->remark() == "9 of 30 records read had nothing to learn from: they were left out");
  for (int64_t from = 0; from <= 8; ++from)
    CHECK(epoch_of(*source, 0, from) == Numbers(expected.begin() + from, expected.end()));
  ReadAhead all(file.batches(DatasetShuffle::none, [](int32_t) { return true; }));
  all.begin(0, 0);
  HostBatch batch;
  CHECK(contains(error_of([&] { all.next(batch); }), "no record has anything to learn from"));
}

TEST_CASE("examples in a store are those that were put there, in memory or in a file") {
  const TemporaryFolder folder;
  for (const int64_t most : {int64_t{0}, int64_t{100}, int64_t{1} << 40}) {
    CAPTURE(most);
    ExampleStore made(most, folder.path());
    std::vector<NumberLists> expected;
    for (int32_t i = 0; i < 50000; ++i) {
      const Ints ids{i, i + 1, i % 7}, none_at_all, label{-i};
      expected.push_back({ids, none_at_all, label});
      made.add(std::vector<std::span<const int32_t>>{ids, none_at_all, label});
    }
    made.finish();
    const ExampleStore store = std::move(made);
    CHECK((store.bytes_in_file() > 0) == (most < 1000));
    CHECK(names_in(folder.path()).empty());  // the file has no name
    REQUIRE(store.size() == 50000);
    std::atomic<int> wrong = 0;
    const auto compare = [&](int64_t first) {
      for (int64_t i = first; i < store.size(); i += 2) {
        if (store.read(i) != expected[static_cast<size_t>(i)]) ++wrong;
      }
    };
    std::thread other(compare, 1);
    compare(0);
    other.join();
    CHECK(wrong == 0);
  }
}

TEST_CASE("a store without its folder uses the system's") {
  ExampleStore store(0, "/no/such/folder");
  const Ints numbers{1, 2};
  store.add(std::vector<std::span<const int32_t>>{numbers});
  CHECK(store.read(0) == NumberLists{{1, 2}});  // in memory until then
  store.finish();
  CHECK(store.read(0) == NumberLists{{1, 2}});
  CHECK(store.bytes_in_file() == 16);
}
