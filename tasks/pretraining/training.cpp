#include "tasks/pretraining/training.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <string_view>

#include "core/counted.h"
#include "core/io/crc32c.h"
#include "data/pretraining_batches.h"

#include "tasks/log/log.h"
#include "tasks/log/phase.h"
#include "tasks/pretraining/batch.h"
#include "tasks/training/training_data.h"

namespace gradus {
namespace {

// Of everything that examples are made of.
uint32_t checksum_of(const PretrainingDocuments& documents, const PretrainingOptions& o) {
  const auto bytes = [](const auto& numbers) {
    return std::string_view(reinterpret_cast<const char*>(numbers.data()),
                            numbers.size() * sizeof(numbers[0]));
  };
  const std::string settings =
      fmt::format("{} {} {} {} {} {}", o.max_seq_length, o.max_predictions_per_seq, o.masked_lm_prob,
                  o.short_seq_prob, o.whole_word_mask, o.exclude_special_tokens);
  return crc32c(settings, crc32c(bytes(documents.documents),
                                 crc32c(bytes(documents.sentences), crc32c(bytes(documents.tokens)))));
}

// An example as large as a record can have, for the plan of memory.
NumberLists largest(const PretrainingRecordSizes& sizes) {
  const int64_t masked = std::min(sizes.predictions, sizes.length);
  std::vector<int32_t> positions(static_cast<size_t>(masked));
  std::iota(positions.begin(), positions.end(), 0);
  return {std::vector<int32_t>(static_cast<size_t>(sizes.length), 0),
          positions,
          std::vector<int32_t>(static_cast<size_t>(masked), 0),
          {1, 0}};
}

}  // namespace

std::string PretrainTraining::train_on_data(const PretrainOptions& options) {
  return options.input_file.empty() ? train_on_records(options) : train_on_text(options);
}

std::string PretrainTraining::train_on_text(const PretrainOptions& options) {
  const auto documents = std::make_shared<const PretrainingDocuments>(
      read_pretraining_text(options, system(), options.input_file, "--input_file"));
  const PretrainingOptions examples = options.examples();
  const auto batches = [this, documents, examples](const Backend& backend, const TrainConfig& config) {
    const auto pack = [this, &backend](std::span<const PretrainingExample> made) {
      return pack_examples(backend, made, numbers_below(std::ssize(made)));
    };
    return std::make_unique<PretrainingTextBatches>(documents, system().vocab(), examples, config.batch_size,
                                                    config.seed, pack);
  };
  train_on({batches, false, checksum_of(*documents, examples),
            largest({0, examples.max_seq_length, examples.max_predictions_per_seq}),
            std::numeric_limits<int64_t>::max()});
  return fmt::format("{}, {}, {}, masked anew every epoch", counted(documents->size(), "document"),
                     counted(documents->sentence_count(), "sentence"),
                     counted(documents->tokens.size(), "token"));
}

std::string PretrainTraining::train_on_records(const PretrainOptions& options) {
  const std::string& path = options.train_data_file_path;
  const RecordReading reading = training_reading(options);
  DatasetStreamOptions order = stream_options(options, reading);
  order.most_records = options.most_records();
  PretrainingRecordStream stream(path, order, system().limits());
  const bool before = reading == RecordReading::before;
  PretrainCounts counts;
  std::optional<Phase> phase(std::in_place, fmt::format("reading {}: examples", path));
  const PretrainingRecordSizes sizes =
      stream.read(before ? records_to_read(reading) : 1, [&](const PretrainingExample& example) {
        counts.add(example);
        phase->done(counts.examples);
        if (before) add(example);
      });
  phase.reset();
  for (const std::string& warning : stream.records()->warnings())
    print_log(log_of(options), "warning: {}\n", warning);
  if (before) return counts.str();
  const std::string description =
      fmt::format("{}: {}, read as they are trained on", path, counted(stream.records()->size(), "record"));
  const auto source = std::make_shared<const PretrainingRecordStream>(std::move(stream));
  stream_examples(
      source->records(),
      [source](const DatasetReader& reader, const DatasetRow& row) {
        return std::optional(source->example(reader, row));
      },
      largest(sizes));
  return description;
}

void PretrainTraining::add(const PretrainingExample& example) {
  add_example(example.input_ids.size(),
              {example.input_ids, example.masked_positions, example.masked_ids, pair_numbers(example)});
}

PretrainingExample PretrainTraining::example_of(const NumberLists& lists) const {
  return {lists[0], lists[3][0], lists[3][1], lists[1], lists[2]};
}

HostBatch PretrainTraining::pack_examples(const Backend& backend,
                                          std::span<const PretrainingExample> examples,
                                          std::span<const int32_t> chosen) const {
  return pack_pretraining(backend, examples, chosen);
}

std::vector<Variable> PretrainTraining::losses_of(const PretrainingModel& model, Context& context,
                                                  const Batch& batch) const {
  const auto [words, random_next] = model.losses(context, pretraining_batch(batch));
  return {words, random_next};
}

}  // namespace gradus
