#include "tasks/training/training_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "data/tf_record.h"

namespace gradus {

bool streams_records(const FineTuneOptions& options) {
  const TrainOptions& train = options.train;
  if (!train.do_train || options.format() == DatasetFormat::text) return false;
  check(!train.stream || train.train_batch_tokens == 0,
        "--train_batch_tokens {}: how long streamed records are is not known before: give --train_batch_size",
        train.train_batch_tokens);
  if (train.stream) return true;
  if (train.train_batch_tokens > 0) return false;
  int64_t bytes = 0;
  for (const std::string& file : find_dataset_files(options.train_data_file_path, options.format())) {
    // A compressed file can't be read in any order.
    if (train.train_data_shuffle && options.format() == DatasetFormat::tfrecord &&
        compression_of(file) != Compression::none)
      return false;
    std::error_code none;  // a file that is missing is noticed when it is read
    const auto size = std::filesystem::file_size(file, none);
    bytes += none ? 0 : static_cast<int64_t>(size);
  }
  return bytes > train.memory_bytes();
}

DatasetStreamOptions stream_options(const FineTuneOptions& options) {
  return {.format = options.format(),
          .schema_path = options.schema_file_path,
          .shuffle = options.train.train_data_shuffle ? DatasetShuffle::full : DatasetShuffle::none,
          .seed = static_cast<uint64_t>(options.device.seed)};
}

std::string stream_description(const std::string& path, DatasetStream& records) {
  return fmt::format("{}: {} records, read as they are trained on; {} of them tell what they are like", path,
                     records.size(), std::min(records.size(), records_looked_at));
}

ExampleStore example_store(const FineTuneOptions& options) {
  return ExampleStore(options.train.stream ? 0 : options.train.memory_bytes(),
                      options.train.save_finetune_checkpoint_path);
}

int64_t most_words(const FineTuneOptions& options) {
  constexpr int64_t bytes_of_word = 128;  // its text, its tag, its line
  return options.train.stream ? 0 : options.train.memory_bytes() / bytes_of_word;
}

}  // namespace gradus
