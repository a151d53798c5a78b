#include "tasks/training/training_data.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <vector>

#include "core/counted.h"
#include "tasks/log/log.h"

namespace gradus {

namespace {

// Memory for a byte of a record: sentences and examples have strings and lists where it has packed numbers.
constexpr int64_t memory_of_byte = 16;

// The files of a data set, all shards of a set included.
std::vector<std::string> files_of(const FineTuneOptions& options) {
  std::vector<std::string> files = find_dataset_files(options.train_data_file_path, options.format());
  const RecordFormat& format = record_format(options.format());
  return format.is_set(files) ? format.shards(files.front()) : files;
}

int64_t bytes_of(const std::vector<std::string>& files) {
  int64_t bytes = 0;
  for (const std::string& file : files) {
    std::error_code none;  // a file that is missing is noticed when it is read
    const auto size = std::filesystem::file_size(file, none);
    bytes += none ? 0 : static_cast<int64_t>(size);
  }
  return bytes;
}

}  // namespace

std::vector<std::string> training_files(const FineTuneOptions& options) {
  const std::string& list = options.train_data_file_path;
  std::vector<std::string> files = comma_paths(list);
  check(std::ranges::count(files, "") == 0, "--train_data_file_path: '{}': a comma with no file beside it",
        list);
  for (size_t i = 0; i < files.size(); ++i) {
    const auto is_same = [&](const std::string& other) {
      std::error_code none;  // a file that is missing is noticed when it is read
      return std::filesystem::equivalent(other, files[i], none);
    };
    check(std::none_of(files.begin(), files.begin() + static_cast<std::ptrdiff_t>(i), is_same),
          "--train_data_file_path: '{}' is named twice", files[i]);
  }
  return files;
}

RecordReading training_reading(const FineTuneOptions& options) {
  const TrainOptions& train = options.train;
  check(!train.stream || train.train_batch_tokens == 0,
        "--train_batch_tokens {}: how long streamed records are is not known before: give "
        "--train_batch_size",
        train.train_batch_tokens);
  const auto is_sequential = record_format(options.format()).is_sequential;
  if (train.stream && is_sequential == nullptr) return RecordReading::streamed;
  const std::vector<std::string> files = files_of(options);
  const auto compressed = std::ranges::find_if(
      files, [&](const std::string& file) { return is_sequential != nullptr && is_sequential(file); });
  const bool in_order = compressed != files.end() && train.train_data_shuffle;
  if (train.stream) {
    if (in_order)
      fail(
          "{}: a compressed file is read from its start to its end: to stream it, unpack it or give "
          "--train_data_shuffle false",
          *compressed);
    return RecordReading::streamed;
  }
  if (bytes_of(files) <= train.memory_bytes() / memory_of_byte) return RecordReading::before;
  if (train.train_batch_tokens == 0 && !in_order) return RecordReading::streamed;
  print_log(
      log_of(options), "note: {} is held in memory, though it is large: {}\n", options.train_data_file_path,
      in_order ? "a compressed file can't be shuffled otherwise" : "--train_batch_tokens needs all lengths");
  return RecordReading::before;
}

DatasetStreamOptions stream_options(const FineTuneOptions& options, RecordReading reading) {
  DatasetStreamOptions stream{.format = options.format(), .schema_path = options.schema_file_path};
  if (reading == RecordReading::before) return stream;
  stream.shuffle = options.train.train_data_shuffle ? DatasetShuffle::drawn : DatasetShuffle::none;
  stream.seed = static_cast<uint64_t>(options.device.seed);
  return stream;
}

int64_t records_to_read(RecordReading reading) {
  return reading == RecordReading::streamed ? records_looked_at : std::numeric_limits<int64_t>::max();
}

std::string stream_description(const std::string& path, DatasetStream& records) {
  return fmt::format("{}: {}, read as they are trained on; {} what they are like", path,
                     counted(records.size(), "record"),
                     counted(std::min(records.size(), records_looked_at), "of them tells", "of them tell"));
}

ExampleStore example_store(const FineTuneOptions& options) {
  return ExampleStore(options.train.stream ? 0 : options.train.memory_bytes(),
                      options.train.save_finetune_checkpoint_path);
}

int64_t most_words(const FineTuneOptions& options) {
  constexpr int64_t bytes_of_word = 128;  // its text, its tag, its line
  bool again = true;
  for (const std::string& path : training_files(options)) {
    const bool is_file = std::filesystem::is_regular_file(path);
    check(is_file || !options.train.stream, "--stream: '{}' is no file: text is read twice then", path);
    again = again && is_file;
  }
  if (options.train.stream) return 0;
  return again ? options.train.memory_bytes() / bytes_of_word : std::numeric_limits<int64_t>::max();
}

}  // namespace gradus
