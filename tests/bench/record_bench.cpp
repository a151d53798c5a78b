// Reading speed of record files on one thread, in rows a second: 50,000 rows of 128 pieces as the NER generators write
// them, in a TFRecord file and in a MindRecord set; decoded one by one, and as matrices [32, 128] of a batch.
//
//   record_bench [FOLDER]    keeps the files in FOLDER, and reads those that are there
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <vector>

#include "core/error.h"
#include "core/random.h"
#include "data/dataset.h"
#include "data/mind_record.h"
#include "data/mind_record_writer.h"
#include "data/tf_example.h"
#include "data/tf_record.h"
#include "tasks/options/arguments.h"

namespace {

using namespace gradus;
namespace fs = std::filesystem;

constexpr int64_t rows = 50'000;
constexpr int64_t length = 128;
constexpr int64_t batch_size = 32;

// Columns in the order of their names: input_ids, input_mask, label_ids, segment_ids.
constexpr const char* names[] = {"input_ids", "input_mask", "label_ids", "segment_ids"};

std::vector<std::vector<int64_t>> random_row(RandomSequence& random) {
  const int64_t used = 5 + random.below(60);
  std::vector<std::vector<int64_t>> row(4, std::vector<int64_t>(length, 0));
  for (int64_t i = 0; i < used; ++i) {
    row[0][static_cast<size_t>(i)] = 100 + random.below(21000);
    row[1][static_cast<size_t>(i)] = 1;
    row[2][static_cast<size_t>(i)] = random.below(9);
  }
  return row;
}

void report(const char* what, int runs, const std::function<int64_t()>& work) {
  double best = 0;
  for (int run = 0; run < runs; ++run) {
    const auto start = std::chrono::steady_clock::now();
    const int64_t sum = work();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    check(sum > 0, "the rows are empty");
    best = std::max(best, static_cast<double>(rows) / seconds);
  }
  fmt::print("{:20} {:10.0f} rows/s (best of {})\n", what, best, runs);
}

void write_files(const std::string& tf_path, const std::string& mind_path) {
  RandomSequence random(1, 1);
  TfRecordWriter tf(tf_path);
  std::vector<MindRecordColumn> columns;
  for (const char* name : names) columns.push_back({name, MindRecordColumn::Type::int32, {-1}});
  MindRecordWriter mind(mind_path, columns);
  for (int64_t r = 0; r < rows; ++r) {
    const auto values = random_row(random);
    TfExampleWriter example;
    MindRecordRow row(4);
    for (size_t c = 0; c < 4; ++c) {
      example.ints(names[c], std::span(values[c]));
      row[c].ints = values[c];
    }
    tf.write(example.serialize());
    mind.write(row);
  }
  tf.finish();
  mind.finish();
}

// Reads a file as training does, to batches: a matrix of each column. Returns a sum that needs them.
int64_t read_batches(const std::string& path, DatasetFormat format) {
  std::vector<DatasetColumn> columns;
  for (const char* name : names) columns.push_back({name});
  const auto reader = DatasetReader::open(path, format, columns);
  std::vector<std::vector<int32_t>> batch(4, std::vector<int32_t>(batch_size * length));
  int64_t sum = 0, count = 0;
  for (DatasetRow row; reader->next(row); ++count) {
    for (size_t c = 0; c < 4; ++c) {
      check(row[c].ints.size() == length, "{}: expected {} numbers", reader->where(), length);
      std::ranges::copy(row[c].ints, batch[c].begin() + count % batch_size * length);
    }
    if ((count + 1) % batch_size == 0) sum += batch[0].front() + batch[3].back();
  }
  check(count == rows, "{}: {} rows, expected {}", path, count, rows);
  return sum;
}

void run(const fs::path& folder, int runs) {
  const std::string tf_path = (folder / "rows.tfrecord").string(),
                    mind_path = (folder / "rows.mindrecord").string();
  if (!fs::exists(tf_path) || !fs::exists(mind_path)) write_files(tf_path, mind_path);
  report("TFRecord", runs, [&] {
    TfRecordReader reader(tf_path);
    TfExample example;
    int64_t sum = 0;
    for (std::string_view record; reader.next(record);) {
      example.parse(record, tf_path);
      for (const char* name : names) sum += example.find(name)->ints.front();
    }
    return sum;
  });
  report("MindRecord", runs, [&] {
    MindRecordReader reader(mind_path);
    int64_t sum = 0;
    for (MindRecordRow row; reader.next(row);) {
      for (const MindRecordValue& value : row) sum += value.ints.front();
    }
    return sum;
  });
  report("TFRecord, batches", runs, [&] { return read_batches(tf_path, DatasetFormat::tfrecord); });
  report("MindRecord, batches", runs, [&] { return read_batches(mind_path, DatasetFormat::mindrecord); });
}

}  // namespace

int main(int argc, char** argv) try {
  std::string kept;
  int runs = 5;
  Arguments arguments("record_bench", "Times the readers of record files.", "record_bench records/");
  arguments.add("folder", kept,
                "keep the files there, and read those that are there; none: they are removed");
  arguments.add("--runs", runs, "times to read; the best counts");
  if (const std::optional<int> status = arguments.parse(argc, argv, 2)) return *status;
  const fs::path folder = kept.empty()
                              ? fs::temp_directory_path() / fmt::format("gradus-record-bench-{}", ::getpid())
                              : fs::path(kept);
  fs::create_directories(folder);
  run(folder, runs);
  if (kept.empty()) fs::remove_all(folder);
  return 0;
} catch (const std::exception& error) {
  fmt::print(stderr, "{}\n", error.what());
  return 2;
}
