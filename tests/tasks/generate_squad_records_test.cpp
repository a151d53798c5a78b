// generate_squad_records, as its user runs it.
#include <doctest/doctest.h>
#include "core/error.h"
#include "core/joined.h"
#include "data/squad_records.h"
#include "tests/tasks/program.h"

using namespace gradus;
namespace fs = std::filesystem;

namespace {

// A folder with questions about two texts, and a vocabulary of their letters.
class Questions {
 public:
  Questions() {
    std::string vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";
    for (char c = 'a'; c <= 'z'; ++c) vocabulary += fmt::format("{0}\n##{0}\n", c);
    folder_.write("vocab.txt", vocabulary);
    folder_.write("train.json",
                  file(R"({"id": "1", "question": "a?", "answers": [{"text": "b c", "answer_start": 2}]},
      {"id": "2", "question": "b", "answers": [{"text": "zz", "answer_start": 0}]},
      {"id": "3", "question": "c d", "answers": [{"text": "i", "answer_start": 16}]})"));
    folder_.write("two.json", file(R"({"id": "1", "question": "a", "is_impossible": true, "answers": []},
      {"id": "2", "question": "b", "is_impossible": false, "answers": [{"text": "a", "answer_start": 0}]})"));
  }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  void write(const std::string& name, const std::string& content) const { folder_.write(name, content); }

  Outcome run(const Words& more) const {
    Words flags{"--vocab_file=" + path("vocab.txt"), "--output_dir=" + path("out"), "--max_seq_length=12",
                "--max_query_length=3", "--doc_stride=4"};
    flags.insert(flags.end(), more.begin(), more.end());
    return run_program("generate_squad_records", flags);
  }
  std::string make(const Words& more) const {
    const Outcome outcome = run(more);
    REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
    return outcome.out;
  }
  void refuse(const Words& more, const std::string& message) const {
    const Outcome outcome = run(more);
    CHECK(outcome.status == 2);
    CHECK_MESSAGE(outcome.err.find(message) != std::string::npos, outcome.err);
  }

  // The records of a file, one a line.
  std::vector<std::string> rows(const std::string& name, DatasetFormat format, SquadUse use) const {
    const auto reader = DatasetReader::open(path(name), format, squad_record_columns(use));
    std::vector<std::string> all;
    for (DatasetRow row; reader->next(row);) {
      all.emplace_back();
      for (const DatasetValue& value : row) all.back() += fmt::format("{};", joined(value.ints, ","));
    }
    return all;
  }

 private:
  static std::string file(const std::string& questions) {
    return R"({"version": "1", "data": [{"title": "t", "paragraphs": [{"context": "a b c d e f g h i j", "qas": [)" +
           questions + "]}]}]}";
  }

  TemporaryFolder folder_;
};

}  // namespace

TEST_CASE("generate_squad_records: the same in both formats, with numbers, answers and windows") {
  const Questions questions;
  const Words input{"--train_file=" + questions.path("train.json"),
                    "--predict_file=" + questions.path("two.json")};
  Words mindrecord = input, tfrecord = input;
  mindrecord.push_back("--do_shuffle=false");
  tfrecord.insert(tfrecord.end(), {"--do_shuffle=false", "--dataset_format=tfrecord"});
  const std::string out = questions.make(mindrecord);
  CHECK_MESSAGE(out.find("left out: " + questions.path("train.json") + ": question '2': the answer 'zz'") !=
                    std::string::npos,
                out);
  CHECK(out.find("Total instances is:  4") != std::string::npos);
  questions.make(tfrecord);
  const auto train = questions.rows("out/train.mindrecord", DatasetFormat::mindrecord, SquadUse::training);
  CHECK(train == questions.rows("out/train.tf_record", DatasetFormat::tfrecord, SquadUse::training));
  REQUIRE(train.size() == 4);
  // [CLS] a [UNK] [SEP], seven pieces, [SEP]: "b c" stands at 5 and 6.
  CHECK(train[0] ==
        "1000000000;2,5,1,3,5,7,9,11,13,15,17,3;1,1,1,1,1,1,1,1,1,1,1,1;0,0,0,0,1,1,1,1,1,1,1,1;5;6;0;");
  CHECK(train[1] ==
        "1000000001;2,5,1,3,13,15,17,19,21,23,3,0;1,1,1,1,1,1,1,1,1,1,1,0;0,0,0,0,1,1,1,1,1,1,1,0;0;0;0;");
  CHECK(train[3].ends_with(";8;8;0;"));
  const auto eval = questions.rows("out/eval.mindrecord", DatasetFormat::mindrecord, SquadUse::evaluation);
  CHECK(eval.size() == 4);
  CHECK(eval == questions.rows("out/eval.tf_record", DatasetFormat::tfrecord, SquadUse::evaluation));
  CHECK(questions.make(input).find("is there already: kept") != std::string::npos);
}

TEST_CASE("generate_squad_records: questions without an answer, and mixing") {
  const Questions questions;
  const std::string train = "--train_file=" + questions.path("two.json");
  const std::string out = questions.make({train, "--do_shuffle=false"});
  CHECK_MESSAGE(out.find("1 question without an answer") != std::string::npos, out);
  const auto rows = questions.rows("out/train.mindrecord", DatasetFormat::mindrecord, SquadUse::training);
  REQUIRE(rows.size() == 4);
  CHECK(rows[0].ends_with(";0;0;1;"));
  CHECK(rows[2].ends_with(";3;3;0;"));
  // Python's random.Random(12345).shuffle([0, 1]) leaves the order, Random(1) changes it.
  questions.make({train, "--overwrite"});
  CHECK(rows == questions.rows("out/train.mindrecord", DatasetFormat::mindrecord, SquadUse::training));
  questions.make({train, "--overwrite", "--random_seed=1"});
  CHECK(rows != questions.rows("out/train.mindrecord", DatasetFormat::mindrecord, SquadUse::training));
  questions.refuse({train, "--overwrite", "--version_2_with_negative=false"},
                   "two.json: question '1': 0 answers: expected one to train on");
}

TEST_CASE("generate_squad_records: the same from CSV as from JSON") {
  const Questions questions;
  const auto made = [&](const std::string& file) {
    questions.make({"--train_file=" + questions.path(file), "--overwrite"});
    return questions.rows("out/train.mindrecord", DatasetFormat::mindrecord, SquadUse::training);
  };
  questions.write("two.csv",
                  "id,context,question,answer\n1,a b c d e f g h i j,a,\n2,a b c d e f g h i j,b,a\n");
  CHECK(made("two.csv") == made("two.json"));
}

TEST_CASE("generate_squad_records says what is wrong") {
  const Questions questions;
  questions.refuse({}, "nothing to do: expected --train_file or --predict_file");
  questions.refuse({"--train_file=" + questions.path("none.json")}, "none.json");
  questions.refuse({"--train_file=" + questions.path("train.json"), "--max_query_length=9"},
                   "leaves no room for a context");
  CHECK_FALSE(fs::exists(questions.path("out/train.mindrecord")));
}
