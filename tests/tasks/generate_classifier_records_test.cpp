// generate_classifier_records: from the files of a data set to records, and back through their reader.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>

#include "core/error.h"
#include "data/classification_records.h"
#include "tasks/output_lock.h"
#include "tests/tasks/program.h"

using namespace gradus;
namespace fs = std::filesystem;
using Ids = std::vector<int32_t>;

namespace {

const std::string mrpc_header = "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\n";

// A folder with a vocabulary, in which a is 5, b 6, c 7, and small data sets.
class TinyTexts {
 public:
  TinyTexts() {
    write("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\nc\n江\n");
    write("mrpc/train.tsv", mrpc_header + "1\t1\t2\ta b\tc\n0\t3\t4\ta b c a b c\tb\n");
    write("mrpc/dev.tsv", mrpc_header + "0\t1\t2\tc\ta\n");
    write("mrpc/test.tsv", "index\t#1 ID\t#2 ID\t#1 String\t#2 String\n0\t1\t2\tb\tb\n");
  }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::string write(const std::string& name, const std::string& content) const {
    fs::create_directories(fs::path(path(name)).parent_path());
    write_file(path(name), content);
    return path(name);
  }

  // Runs the program on a data set in the folder of this name. Of a flag that is given again the last one
  // counts.
  Outcome run(const std::string& dataset, const Words& more = {}) const {
    Words flags{"--dataset_name=" + dataset, "--data_dir=" + path(dataset),
                "--vocab_file=" + path("vocab.txt"), "--output_dir=" + path("records"), "--max_seq_length=8"};
    flags.insert(flags.end(), more.begin(), more.end());
    return run_program("generate_classifier_records", flags);
  }
  // The same for a run that has to succeed; returns what it printed.
  std::string print(const std::string& dataset, const Words& more = {}) const {
    const Outcome outcome = run(dataset, more);
    REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
    CHECK(outcome.err.empty());
    return outcome.out;
  }
  // The same for a run that has to fail with `text` on the one line of standard error, and write no records.
  void refuse(const std::string& dataset, const std::string& text, const Words& more = {}) const {
    const auto before = listing();
    const Outcome outcome = run(dataset, more);
    CHECK(outcome.status == 2);
    CHECK_MESSAGE(outcome.err.find(text) != std::string::npos, outcome.err);
    CHECK(outcome.err.find('\n') == outcome.err.size() - 1);
    CHECK(listing() == before);
  }

  std::vector<ClassificationExample> read(const std::string& name, int32_t classes) const {
    const bool is_mind = name.find("mindrecord") != std::string::npos;
    return read_classification_records(
               path("records/" + name), is_mind ? DatasetFormat::mindrecord : DatasetFormat::tfrecord, "",
               {classes > 0 ? ProblemType::single_label : ProblemType::regression, classes, 9, 2, 8})
        .examples;
  }

  // What has been written, without the lock, which says who wrote last.
  std::map<std::string, std::string> listing() const {
    if (!fs::exists(path("records"))) return {};
    std::map<std::string, std::string> files = contents_of(path("records"));
    std::erase_if(files, [](const auto& file) { return is_lock_file(file.first); });
    return files;
  }

 private:
  TemporaryFolder folder_;
};

}  // namespace

TEST_CASE("MRPC: pairs become records, the same in both formats") {
  const TinyTexts tiny;
  const std::string log = tiny.print("mrpc");
  CHECK_MESSAGE(contains(log,
                         "2 examples, 10 pieces, 1 example longer than the sequence, 2 pieces dropped; "
                         "labels: 1 of 0, 1 of 1\nTotal instances is:  2\n"),
                log);
  CHECK(contains(log, "predict.mindrecord: 1 example, 2 pieces; without labels: label_ids is 0"));
  CHECK(file_content(tiny.path("records/label_list.txt")) == "0\n1\n");
  tiny.print("mrpc", {"--dataset_format=tfrecord"});
  for (const char* ending : {".mindrecord", ".tf_record"}) {
    CAPTURE(ending);
    const auto train = tiny.read("train" + std::string(ending), 2);
    REQUIRE(train.size() == 2);
    CHECK(train[0].input_ids == Ids{2, 5, 6, 3, 7, 3});
    CHECK(train[0].segment_ids == Ids{0, 0, 0, 0, 1, 1});
    CHECK(train[0].label == 1);
    CHECK(train[1].input_ids == Ids{2, 5, 6, 7, 5, 3, 6, 3});
    CHECK(train[1].label == 0);
    CHECK(tiny.read("eval" + std::string(ending), 2).at(0).input_ids == Ids{2, 7, 3, 5, 3});
    CHECK(tiny.read("predict" + std::string(ending), 2).at(0).label == 0);
  }
}

TEST_CASE("every record has all columns, filled up to the length asked for") {
  const TinyTexts tiny;
  tiny.print("mrpc", {"--task_name=mrpc", "--max_seq_length=12"});
  std::vector<DatasetColumn> columns = classification_record_columns(false);
  columns.back().optional = false;
  const auto reader =
      DatasetReader::open(tiny.path("records/train.mindrecord"), DatasetFormat::mindrecord, columns);
  DatasetRow row;
  REQUIRE(reader->next(row));
  CHECK(row[0].ints == Ids{2, 5, 6, 3, 7, 3, 0, 0, 0, 0, 0, 0});
  CHECK(row[1].ints == Ids{1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0});
  CHECK(row[2].ints == Ids{0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0});
  CHECK(row[3].ints == Ids{1});
  CHECK(row[4].ints == Ids{1});
}

TEST_CASE("TNEWS: fifteen labels, files of its own names") {
  const TinyTexts tiny;
  tiny.write("tnews/train.json", "{\"label\": \"116\", \"sentence\": \"江a\"}\n");
  tiny.write("tnews/dev.json", "{\"label\": \"106\", \"sentence\": \"b\"}\n");
  tiny.write("tnews/test.json", "{\"id\": 0, \"sentence\": \"c\"}\n");
  tiny.print("tnews");
  CHECK(tiny.read("train.mindrecord", 15).at(0).label == 14);
  CHECK(tiny.read("train.mindrecord", 15)[0].input_ids == Ids{2, 8, 5, 3});
  CHECK(tiny.read("dev.mindrecord", 15).at(0).label == 5);
  CHECK(tiny.read("predict.mindrecord", 15).at(0).label == 0);
  CHECK(ClassLabels::load(tiny.path("records/label_list.txt")).names() ==
        classification_form("tnews").labels);
  // Data of the same form with labels of its own.
  tiny.write("labels.txt", "106\n7\n");
  tiny.write("tnews/train.json", "{\"label\": 7, \"sentence\": \"a\"}\n");
  tiny.print("tnews", {"--overwrite", "--label_file=" + tiny.path("labels.txt")});
  CHECK(tiny.read("train.mindrecord", 2).at(0).label == 1);
}

TEST_CASE("CoLA and SST-2: single sentences") {
  const TinyTexts tiny;
  tiny.write("cola/train.tsv", "s\t1\t\ta b\ns\t0\t*\tb \"\n");
  tiny.write("sst2/dev.tsv", "sentence\tlabel\nc \t1\n");
  tiny.print("cola", {"--do_eval=false", "--do_predict=False"});
  CHECK(tiny.read("train.mindrecord", 2).at(1).input_ids == Ids{2, 6, 1, 3});
  tiny.print("sst2", {"--do_train=0", "--do_predict=0"});
  CHECK(tiny.read("eval.mindrecord", 2).at(0).label == 1);
}

TEST_CASE("STS-B: scores are floats and have no list of labels") {
  const TinyTexts tiny;
  tiny.write("sts_b/train.tsv", "sentence1\tsentence2\tscore\na\tb\t3.800\nb\tb\t5\n");
  const Words flags{"--do_eval=false", "--do_predict=false"};
  tiny.print("sts_b", flags);
  tiny.print("sts_b", {"--do_eval=false", "--do_predict=false", "--dataset_format=tfrecord"});
  for (const char* name : {"train.mindrecord", "train.tf_record"}) {
    CHECK(tiny.read(name, 0).at(0).score == 3.8F);
    CHECK(tiny.read(name, 0).at(1).score == 5);
  }
  CHECK_FALSE(fs::exists(tiny.path("records/label_list.txt")));
  tiny.refuse("sts_b", "the texts of sts_b have scores, no labels",
              {"--overwrite", "--do_predict=false", "--do_eval=false", "--label_file=x"});
  tiny.write("records/label_list.txt", "0\n1\n");
  tiny.refuse("sts_b", "labels, but the texts of sts_b have scores: name another --output_dir",
              {"--overwrite", "--do_eval=false", "--do_predict=false"});
}

TEST_CASE("a table of one's own: the labels are those of the data to train on, in byte order") {
  const TinyTexts tiny;
  tiny.write("tsv/train.tsv", "a\tgood\nb\tbad\nc\tso so\n");
  tiny.write("tsv/dev.tsv", "b\tgood\n");
  tiny.write("tsv/test.tsv", "b\nc\n");
  tiny.print("tsv");
  CHECK(file_content(tiny.path("records/label_list.txt")) == "bad\ngood\nso so\n");
  CHECK(tiny.read("eval.mindrecord", 3).at(0).label == 1);
  CHECK(tiny.read("predict.mindrecord", 3).size() == 2);
  // The list goes on to count while there are records made with it.
  tiny.write("tsv/dev.tsv", "b\tbad\n");
  const Words only_eval{"--overwrite", "--do_train=false", "--do_predict=false"};
  CHECK(contains(tiny.print("tsv", only_eval), "labels: those of " + tiny.path("records/label_list.txt")));
  CHECK(tiny.read("eval.mindrecord", 3).at(0).label == 0);
  tiny.write("tsv/dev.tsv", "b\tgood\nb\tawful\n");
  tiny.refuse("tsv", tiny.path("tsv/dev.tsv") + ":2: unknown label 'awful': expected one of bad, good, so so",
              only_eval);
  fs::remove_all(tiny.path("records"));
  fs::create_directory(tiny.path("records"));
  tiny.refuse("tsv", "make its records too (--do_train true), or name a --label_file", only_eval);
}

TEST_CASE("the generator keeps records that are there, and their labels") {
  const TinyTexts tiny;
  const Words only_train{"--do_eval=false", "--do_predict=false"};
  tiny.print("mrpc", only_train);
  const auto before = tiny.listing();
  CHECK(contains(tiny.print("mrpc", only_train), "train.mindrecord is there already: kept"));
  CHECK(tiny.listing() == before);
  tiny.write("labels.txt", "1\n0\n");
  const std::string swapped = "--label_file=" + tiny.path("labels.txt");
  tiny.refuse("mrpc", "the labels 1, 0, but " + tiny.path("records/train.mindrecord") + " was made with 0, 1",
              {swapped, "--do_predict=false"});
  // Without records that are kept, the labels asked for count.
  tiny.print("mrpc", {swapped, "--overwrite", "--do_eval=false", "--do_predict=false"});
  CHECK(file_content(tiny.path("records/label_list.txt")) == "1\n0\n");
  CHECK(tiny.read("train.mindrecord", 2).at(0).label == 0);
  // A list that is there without records is used, as that of the data set would be.
  fs::remove_all(tiny.path("records"));
  tiny.write("records/label_list.txt", "x\n1\n0\n");
  tiny.print("mrpc", only_train);
  CHECK(tiny.read("train.mindrecord", 3).at(0).label == 1);
}

TEST_CASE("what the generator cannot do is said by file and line, and leaves nothing half done") {
  const TinyTexts tiny;
  tiny.write("mrpc/dev.tsv", mrpc_header + "0\t1\t2\tc\ta\n2\t1\t2\tc\ta\n");
  tiny.refuse("mrpc", tiny.path("mrpc/dev.tsv") + ":3: unknown label '2': expected one of 0, 1");
  tiny.refuse("mrpc", tiny.path("mrpc/test.tsv") + ":1: the header has the columns index, #1 ID",
              {"--do_train=false", "--eval_file=test.tsv"});
  tiny.refuse("mrpc", tiny.path("mrpc/none.tsv") + ": can't be opened", {"--train_file=none.tsv"});
  tiny.refuse("mrpc", "[classification features] seq_length 3: expected at least 4",
              {"--max_seq_length=3", "--do_eval=false"});
  tiny.refuse("mrpc", "error: --do_train", {"--do_train=perhaps"});
  tiny.refuse("no_such_form", "error: --dataset_name");
  const Outcome nothing = run_program("generate_classifier_records", {});
  CHECK(nothing.status == 2);
  CHECK(contains(nothing.err, "--dataset_name is missing: expected one of tsv, csv, cola, sst2, mrpc"));
}

TEST_CASE("what takes long is told while it is done, what does not is not") {
  const TinyTexts tiny;
  const std::string text = tiny.write("text", "a\tx\nb\ty\n"), slow = tiny.path("tsv/train.tsv");
  fs::create_directories(tiny.path("tsv"));
  REQUIRE(::mkfifo(slow.c_str(), 0600) == 0);
  const Words flags{"--dataset_name=tsv",
                    "--data_dir=" + tiny.path("tsv"),
                    "--vocab_file=" + tiny.path("vocab.txt"),
                    "--output_dir=" + tiny.path("records"),
                    "--do_eval=false",
                    "--do_predict=false"};
  const Outcome outcome = run_in_shell(command_of("generate_classifier_records", flags), "",
                                       fmt::format("(sleep 3; cat {} >{}) & exec", text, slow));
  REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
  CHECK(outcome.phases.starts_with("reading " + slow + " 0:0"));
  CHECK(std::ranges::count(outcome.phases, '\n') == 1);
  CHECK(contains(outcome.out, "Total instances is:  2"));
}

TEST_CASE("columns are chosen by name and number, and told") {
  const TinyTexts tiny;
  tiny.write("tsv/train.tsv", "id\tq\tkind\n7\ta b\tx\n9\tb c\ty\n");
  const std::string log =
      tiny.print("tsv", {"--do_eval=false", "--do_predict=false", "--text_column=q", "--label_column=-1"});
  CHECK_MESSAGE(
      log.find("texts from column 2 (q), labels from column 3 (kind); not used: id\n") != std::string::npos,
      log);
  CHECK(log.find("train.tsv: first example: 'a b', label 'x'\n") != std::string::npos);
  CHECK(tiny.read("train.mindrecord", 2).at(1).input_ids == Ids{2, 6, 7, 3});
  tiny.refuse("tsv", "no column named 'text' (--text_column): the header has id, q, kind",
              {"--overwrite", "--do_eval=false", "--do_predict=false", "--text_column=text"});
}

TEST_CASE("generate_classifier_records: what a stopped run has left is completed, other files are kept") {
  const TinyTexts tiny;
  tiny.print("mrpc");
  const auto whole = tiny.listing();
  for (const char* missing : {"eval.mindrecord", "eval.mindrecord.db", "label_list.txt"}) {
    CAPTURE(missing);
    fs::remove(tiny.path(std::string("records/") + missing));
    tiny.print("mrpc");
    CHECK(tiny.listing() == whole);
  }
  // Records without an index that were made of something else.
  fs::remove(tiny.path("records/eval.mindrecord.db"));
  tiny.write("mrpc/dev.tsv", mrpc_header + "1\t1\t2\ta\ta\n");
  tiny.refuse("mrpc", "eval.mindrecord is there already, and has other records than these");
  tiny.print("mrpc", {"--overwrite=true"});
}

TEST_CASE("generate_classifier_records: another list of labels and its records get their names together") {
  const TinyTexts tiny;
  tiny.print("mrpc", {"--dataset_format=tfrecord"});
  const std::string names = tiny.write("names.txt", "1\n0\n");
  tiny.print("mrpc", {"--dataset_format=tfrecord", "--overwrite=true", "--label_file=" + names});
  CHECK(file_content(tiny.path("records/label_list.txt")) == "1\n0\n");
  CHECK(tiny.read("train.tf_record", 2).at(0).label == 0);
  for (const std::string& name : names_in(tiny.path("records")))
    CHECK(name.find(".tmp-") == std::string::npos);
}
