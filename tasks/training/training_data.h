// How the data that a run trains on are held: in memory, in a file, or read as they are trained on.
#pragma once

#include <string>

#include "data/dataset_stream.h"
#include "data/example_store.h"
#include "tasks/options/fine_tune_options.h"

namespace gradus {

// Records of a stream that tell what all are like, where a model has to know it before it is trained.
constexpr int64_t records_looked_at = 10'000;

// Whether the records to train on are read as they are trained on: --stream says so, or their files have more bytes than
// --memory_mb. Throws Error when --train_batch_tokens needs the lengths of all of them.
bool streams_records(const FineTuneOptions& options);

// How such records are read: in the order to train in.
DatasetStreamOptions stream_options(const FineTuneOptions& options);

// "data/: 1300000 records, read as they are trained on; the first 10000 tell what they are like"
std::string stream_description(const std::string& path, DatasetStream& records);

// Takes the examples to train on.
ExampleStore example_store(const FineTuneOptions& options);

// Words of text that may be held in memory, with all that is known of them, before it is read in parts of `part_words`.
constexpr int64_t part_words = 250'000;
int64_t most_words(const FineTuneOptions& options);

}  // namespace gradus
