// Records to pretrain on as they are read: what generate_pretraining_records writes, and what is refused.
#include "data/pretraining_records.h"

#include <doctest/doctest.h>

#include "core/error.h"
#include "data/pretraining_instances.h"
#include "tests/files.h"

using namespace gradus;
using Ids = std::vector<int32_t>;

namespace {

constexpr PretrainingLimits limits{20, 6};

// A record with everything right, to be spoilt: two masked tokens of six, two places to fill up.
DatasetRow good_row() {
  PretrainingOptions options;
  options.max_seq_length = 8;
  options.max_predictions_per_seq = 4;
  const Ids tokens{2, 4, 7, 3, 4, 3}, positions{1, 4}, ids{9, 11};
  DatasetRow row;
  make_pretraining_record({tokens, 4, true, positions, ids}, options, row);
  return row;
}

std::string write(const TemporaryFolder& folder, const DatasetRow& row, DatasetFormat format) {
  const std::string path = (folder / "records").string();
  const auto writer = DatasetWriter::create(path, format, pretraining_record_columns());
  writer->write(row);
  writer->write(good_row());
  writer->finish();
  return path;
}

std::vector<PretrainingExample> read(const std::string& path, DatasetFormat format) {
  std::vector<PretrainingExample> examples;
  PretrainingRecordStream stream(path, {.format = format, .schema_path = ""}, limits);
  const PretrainingRecordSizes sizes =
      stream.read(1000, [&](PretrainingExample example) { examples.push_back(std::move(example)); });
  CHECK(sizes.records == std::ssize(examples));
  CHECK(sizes.length == 8);
  CHECK(sizes.predictions == 4);
  return examples;
}

// Reads a record that was spoilt, and gives the error without its place.
template <typename Spoil>
std::string error_of(const Spoil& spoil) {
  const TemporaryFolder folder;
  DatasetRow row = good_row();
  spoil(row);
  const std::string path = write(folder, row, DatasetFormat::tfrecord);
  try {
    read(path, DatasetFormat::tfrecord);
  } catch (const Error& e) {
    const std::string text = e.what(), place = path + ": record 1: ";
    return text.starts_with(place) ? text.substr(place.size()) : text;
  }
  return "";
}

}  // namespace

TEST_CASE("pretraining records are read in both formats, filling dropped") {
  const TemporaryFolder folder;
  for (const DatasetFormat format : {DatasetFormat::mindrecord, DatasetFormat::tfrecord}) {
    const std::vector<PretrainingExample> examples = read(write(folder, good_row(), format), format);
    REQUIRE(examples.size() == 2);
    CHECK(examples[0].input_ids == Ids{2, 4, 7, 3, 4, 3});
    CHECK(examples[0].first_length == 4);
    CHECK(examples[0].random_next == 1);
    CHECK(examples[0].masked_positions == Ids{1, 4});
    CHECK(examples[0].masked_ids == Ids{9, 11});
  }
}

TEST_CASE("pretraining records: masked tokens come in the order of their positions, or not at all") {
  const TemporaryFolder folder;
  DatasetRow row = good_row();
  row[4].ints = {4, 1, 0, 0};
  row[5].ints = {11, 9, 0, 0};
  auto examples = read(write(folder, row, DatasetFormat::tfrecord), DatasetFormat::tfrecord);
  CHECK(examples[0].masked_positions == Ids{1, 4});
  CHECK(examples[0].masked_ids == Ids{9, 11});
  row[6].floats = {0, 0, 0, 0};
  examples = read(write(folder, row, DatasetFormat::tfrecord), DatasetFormat::tfrecord);
  CHECK(examples[0].masked_ids.empty());
  row = good_row();
  row[2].ints.assign(8, 0);  // one text alone
  CHECK(read(write(folder, row, DatasetFormat::tfrecord), DatasetFormat::tfrecord)[0].first_length == 6);
}

TEST_CASE("pretraining records: what is wrong is told with the record") {
  CHECK(error_of([](DatasetRow& row) { row[1].ints[2] = 0; }) ==
        "input_mask[3] is 1: expected ones, then zeros");
  CHECK(error_of([](DatasetRow& row) { row[1].ints.assign(8, 1); }) ==
        "8 tokens, the model takes at most 6 (max_position_embeddings)");
  CHECK(error_of([](DatasetRow& row) { row[0].ints[2] = 20; }) ==
        "input_ids[2] is 20: the vocabulary has 20 pieces");
  CHECK(error_of([](DatasetRow& row) { row[2].ints[5] = 0; }) ==
        "segment_ids[5] is 0: expected zeros, then ones");
  CHECK(error_of([](DatasetRow& row) { row[3].ints[0] = 2; }) ==
        "next_sentence_labels is 2: expected 0 or 1");
  CHECK(error_of([](DatasetRow& row) {
          row[3].ints = {0, 1};
        }) == "next_sentence_labels has 2 values: expected 1");
  CHECK(error_of([](DatasetRow& row) {
          row[4].ints = {1, 4, 0};
        }) == "masked_lm_positions has 3 values, masked_lm_weights 4");
  CHECK(error_of([](DatasetRow& row) { row[5].ints = {9}; }) ==
        "masked_lm_ids has 1 values, masked_lm_weights 4");
  CHECK(error_of([](DatasetRow& row) { row[6].floats[1] = 0.5F; }) ==
        "masked_lm_weights[1] is 0.5: expected ones, then zeros");
  CHECK(error_of([](DatasetRow& row) { row[6].floats[3] = 1; }) ==
        "masked_lm_weights[3] is 1: expected ones, then zeros");
  CHECK(error_of([](DatasetRow& row) { row[4].ints[1] = 6; }) ==
        "masked_lm_positions[1] is 6: the record has 6 tokens");
  CHECK(error_of([](DatasetRow& row) { row[4].ints[1] = -1; }) ==
        "masked_lm_positions[1] is -1: the record has 6 tokens");
  CHECK(error_of([](DatasetRow& row) { row[4].ints[1] = 1; }) == "masked_lm_positions names 1 twice");
  CHECK(error_of([](DatasetRow& row) { row[5].ints[0] = -7; }) ==
        "masked_lm_ids[0] is -7: the vocabulary has 20 pieces");
}
