// How the data that a run trains on are held: in memory, in a file, or read as they are trained on.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/dataset_stream.h"
#include "data/example_store.h"
#include "tasks/options/fine_tune_options.h"

namespace gradus {

// Records of a stream that tell what all are like, where a model has to know it before it is trained.
constexpr int64_t records_looked_at = 10'000;

// How records are read: all of them before they are used, or as they are trained on.
enum class RecordReading : uint8_t { before, streamed };

// How those to train on are: as --stream says, or streamed where what would be made of them in memory takes more than
// --memory_mb. The batches are the same either way. Throws Error where they can't be: a compressed file has to be read in its
// order, and --train_batch_tokens needs the lengths of all.
RecordReading training_reading(const FineTuneOptions& options);

// The files of text that --train_data_file_path names, one or several with commas between. Throws Error when one is named twice, and on a
// comma with no file beside it.
std::vector<std::string> training_files(const FineTuneOptions& options);

// The order of records: that of the files, or the one to train in.
DatasetStreamOptions stream_options(const FineTuneOptions& options, RecordReading reading);
// How many are looked at before they are used.
int64_t records_to_read(RecordReading reading);

// "data/: 1300000 records, read as they are trained on; 10000 of them tell what they are like"
std::string stream_description(const std::string& path, DatasetStream& records);

// Takes the examples to train on.
ExampleStore example_store(const FineTuneOptions& options);

// How many words of the text in a file may be held in memory, with all that is known of them; one with more is read in parts
// of `part_words`, twice. Throws Error when --stream is given for what can be read only once.
constexpr int64_t part_words = 250'000;
int64_t most_words(const FineTuneOptions& options);

}  // namespace gradus
