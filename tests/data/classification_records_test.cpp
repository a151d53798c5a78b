// Records of texts with a class or a score: what generate_classifier_records writes and a classifier reads.
#include "data/classification_records.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>

#include "core/error.h"
#include "tests/files.h"
#include "tests/json.h"

using namespace gradus;
using Ids = std::vector<int32_t>;

namespace {

constexpr ClassificationLimits limits{ProblemType::single_label, 3, 10, 2, 5};
constexpr ClassificationLimits score_limits{ProblemType::regression, 1, 10, 2, 5};

// A record with everything right, to be spoilt: a pair of class 2, or of score 2.5.
DatasetRow good_row(bool scores = false) {
  ClassificationExample example{{2, 5, 3, 6, 3}, {0, 0, 0, 1, 1}, 2, 2.5F};
  return make_classification_record(example, 7, scores ? ProblemType::regression : ProblemType::single_label,
                                    3);
}

std::string write(const TemporaryFolder& folder, const std::vector<DatasetRow>& rows, DatasetFormat format,
                  bool scores = false) {
  const std::string path = (folder / "records").string();
  const auto writer = DatasetWriter::create(path, format, classification_record_columns(scores));
  for (const DatasetRow& row : rows) writer->write(row);
  writer->finish();
  return path;
}

}  // namespace

TEST_CASE("the record of an example is filled up with zeros") {
  const DatasetRow row = good_row();
  REQUIRE(row.size() == classification_record_columns(false).size());
  CHECK(row[0].ints == Ids{2, 5, 3, 6, 3, 0, 0});
  CHECK(row[1].ints == Ids{1, 1, 1, 1, 1, 0, 0});
  CHECK(row[2].ints == Ids{0, 0, 0, 1, 1, 0, 0});
  CHECK(row[3].ints == Ids{2});
  CHECK(row[4].ints == Ids{1});
  CHECK(good_row(true)[3].floats == std::vector<float>{2.5F});
  CHECK(good_row(true)[3].ints.empty());
  CHECK(make_classification_record({{2, 3}, {0, 0}, -1, 0}, 3, ProblemType::single_label, 3)[3].ints ==
        Ids{0});
  CHECK_THROWS_WITH_AS(
      make_classification_record({{2, 5, 3}, {0, 0, 0}, 0, 0}, 2, ProblemType::single_label, 3),
      "[records] 3 tokens: expected at most 2", Error);
}

TEST_CASE("what is written is read, in both formats, classes and scores") {
  const TemporaryFolder folder;
  for (const DatasetFormat format : {DatasetFormat::mindrecord, DatasetFormat::tfrecord}) {
    const ClassificationRecords classes =
        read_classification_records(write(folder, {good_row(), good_row()}, format), format, "", limits);
    REQUIRE(classes.examples.size() == 2);
    CHECK(classes.examples[1].input_ids == Ids{2, 5, 3, 6, 3});
    CHECK(classes.examples[1].segment_ids == Ids{0, 0, 0, 1, 1});
    CHECK(classes.examples[1].label == 2);
    CHECK(classes.warnings.empty());
    const std::string path = write(folder, {good_row(true)}, format, true);
    const ClassificationRecords scores = read_classification_records(path, format, "", score_limits);
    REQUIRE(scores.examples.size() == 1);
    CHECK(scores.examples[0].score == 2.5F);
    CHECK(scores.examples[0].label == -1);
    CHECK_THROWS_AS(read_classification_records(path, format, "", limits), Error);
  }
}

TEST_CASE("records that only fill up a batch are left out with a warning") {
  const TemporaryFolder folder;
  DatasetRow filling = good_row();
  for (DatasetValue& value : filling) std::fill(value.ints.begin(), value.ints.end(), 0);
  const DatasetFormat format = DatasetFormat::tfrecord;
  const std::string path = write(folder, {good_row(), filling, filling}, format);
  const ClassificationRecords read = read_classification_records(path, format, "", limits);
  CHECK(read.examples.size() == 1);
  CHECK(read.warnings ==
        std::vector<std::string>{path + ": 2 records whose is_real_example is 0 are left out"});
  write(folder, {filling}, format);
  CHECK_THROWS_WITH_AS(read_classification_records(path, format, "", limits),
                       (path + ": in all of 1 records is_real_example is 0").c_str(), Error);
  write(folder, {}, format);
  CHECK_THROWS_WITH_AS(read_classification_records(path, format, "", limits), (path + ": no record").c_str(),
                       Error);
}

TEST_CASE("records that do not fit are refused by file and number") {
  const TemporaryFolder folder;
  const auto refuse = [&](const DatasetRow& row, const std::string& text,
                          ClassificationLimits model = limits) {
    const bool scores = model.problem == ProblemType::regression;
    for (const DatasetFormat format : {DatasetFormat::mindrecord, DatasetFormat::tfrecord}) {
      const std::string path = write(folder, {good_row(scores), row}, format, scores);
      const char* place = format == DatasetFormat::mindrecord ? ": row 1: " : ": record 2: ";
      CHECK_THROWS_WITH_AS(read_classification_records(path, format, "", model),
                           (path + place + text).c_str(), Error);
    }
  };
  const auto spoilt = [](size_t column, size_t place, int32_t value) {
    DatasetRow row = good_row();
    row[column].ints[place] = value;
    return row;
  };
  refuse(spoilt(0, 1, 10), "input_ids[1] is 10: the vocabulary has 10 pieces");
  refuse(spoilt(0, 4, -1), "input_ids[4] is -1: the vocabulary has 10 pieces");
  refuse(spoilt(1, 2, 0), "input_mask[3] is 1: expected ones, then zeros");
  refuse(spoilt(1, 6, 2), "input_mask[6] is 2: expected ones, then zeros");
  refuse(spoilt(1, 5, 1), "6 tokens, the model takes at most 5 (max_position_embeddings)");
  refuse(spoilt(2, 0, 1), "segment_ids[1] is 0: expected zeros, then ones");
  refuse(spoilt(2, 3, 2), "segment_ids[3] is 2: expected zeros, then ones");
  refuse(spoilt(3, 0, 3), "label_ids is 3: expected 0 to 2, there are 3 classes");
  refuse(spoilt(3, 0, -1), "label_ids is -1: expected 0 to 2, there are 3 classes");
  refuse(spoilt(4, 0, 2), "is_real_example is 2: expected 0 or 1");
  DatasetRow row = good_row();
  row[1].ints.assign(7, 0);
  refuse(row, "input_mask has no 1: the record is empty");
  row = good_row();
  row[2].ints.pop_back();
  refuse(row, "segment_ids has 6 values, input_ids 7");
  row = good_row();
  row[1].ints.push_back(0);
  refuse(row, "input_mask has 8 values, input_ids 7");
  row = good_row();
  row[3].ints.push_back(0);
  refuse(row, "label_ids has 2 values: expected 1");
  row = good_row();
  row[4].ints.push_back(1);
  refuse(row, "is_real_example has 2 values: expected 1");
  row = good_row(true);
  row[3].floats[0] = std::numeric_limits<float>::infinity();
  refuse(row, "label_ids is inf: expected a finite score", score_limits);
  row[3].floats = {1, 2};
  refuse(row, "label_ids has 2 values: expected 1", score_limits);
}

TEST_CASE("a model with one type of tokens takes single texts only") {
  const TemporaryFolder folder;
  const DatasetFormat format = DatasetFormat::tfrecord;
  ClassificationLimits one_type = limits;
  one_type.token_types = 1;
  const DatasetRow single =
      make_classification_record({{2, 5, 3}, {0, 0, 0}, 1, 0}, 7, ProblemType::single_label, 3);
  const std::string path = write(folder, {single}, format);
  CHECK(read_classification_records(path, format, "", one_type).examples.at(0).label == 1);
  write(folder, {single, good_row()}, format);
  CHECK_THROWS_WITH_AS(
      read_classification_records(path, format, "", one_type),
      (path + ": record 2: segment_ids[3] is 1: the model has one type of tokens (type_vocab_size)").c_str(),
      Error);
}

TEST_CASE("records that MindSpore and TensorFlow wrote are read") {
  const auto fixtures = shared_folder("formats/fixtures");
  if (fixtures.empty()) return;
  for (const auto& [name, format, rows] :
       {std::tuple{"mindrecord/cls_1shard.mindrecord", DatasetFormat::mindrecord, "rows"},
        {"tfrecord/classifier.tfrecord", DatasetFormat::tfrecord, "examples"}}) {
    CAPTURE(name);
    const Json expected = json_of(file_content(fixtures / (std::string(name) + ".expected.json"))).at(rows);
    const ClassificationRecords read = read_classification_records(
        (fixtures / name).string(), format, "", {ProblemType::single_label, 15, 30522, 2, 512});
    REQUIRE(read.examples.size() == expected.size());
    for (size_t i = 0; i < expected.size(); ++i) {
      const ClassificationExample& example = read.examples[i];
      const auto ints = [&](const char* column) { return expected[i].at(column).at("data").get<Ids>(); };
      const DatasetRow row = make_classification_record(
          example, static_cast<int32_t>(ints("input_ids").size()), ProblemType::single_label, 15);
      CHECK(row[0].ints == ints("input_ids"));
      CHECK(row[1].ints == ints("input_mask"));
      CHECK(row[2].ints == ints("segment_ids"));
      CHECK(row[3].ints == ints("label_ids"));
    }
  }
}

TEST_CASE("any number of labels is a row of zeros and ones, and what is neither is refused") {
  for (const DatasetFormat format : {DatasetFormat::mindrecord, DatasetFormat::tfrecord}) {
    const TemporaryFolder folder;
    ClassificationExample example{{2, 5, 3}, {0, 0, 0}, -1, 0};
    example.labels = {0, 2};
    const ClassificationLimits several{ProblemType::multi_label, 3, 10, 2, 5};
    DatasetRow row = make_classification_record(example, 5, ProblemType::multi_label, 3);
    example.labels = {};
    const DatasetRow none = make_classification_record(example, 5, ProblemType::multi_label, 3);
    const std::string path = write(folder, {row, none}, format);
    const ClassificationRecords read = read_classification_records(path, format, "", several);
    REQUIRE(read.examples.size() == 2);
    CHECK(read.examples[0].labels == Ids{0, 2});
    CHECK(read.examples[1].labels.empty());
    CHECK_THROWS_AS(read_classification_records(path, format, "", limits), Error);
    row[3].ints[1] = 2;
    write(folder, {row}, format);
    CHECK_THROWS_AS(read_classification_records(path, format, "", several), Error);
  }
}
