// generate_pretraining_records, as its user runs it.
#include <doctest/doctest.h>
#include <map>

#include "core/error.h"
#include "core/joined.h"
#include "data/pretraining_instances.h"
#include "tests/tasks/program.h"

using namespace gradus;
namespace fs = std::filesystem;

namespace {

// A folder with text and a vocabulary of its letters.
class Texts {
 public:
  Texts() {
    std::string vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";
    for (char c = 'a'; c <= 'z'; ++c) vocabulary += fmt::format("{0}\n##{0}\n", c);
    folder_.write("vocab.txt", vocabulary);
    fs::create_directories(folder_ / "text/AA");
    folder_.write("text/AA/wiki_00", documents(30));
    folder_.write("text/AA/wiki_01.txt", documents(20));
    folder_.write("text/AA/stubs", "<doc id=\"1\" title=\"Stub\">\nStub\n</doc>\n");
  }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::string write(const std::string& name, const std::string& text) const {
    return folder_.write(name, text);
  }

  Outcome run(const Words& more) const {
    Words flags{"--vocab_file=" + path("vocab.txt"), "--max_seq_length=32", "--max_predictions_per_seq=4"};
    flags.insert(flags.end(), more.begin(), more.end());
    return run_program("generate_pretraining_records", flags);
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
  std::vector<std::string> rows(const std::string& name, DatasetFormat format) const {
    const auto reader = DatasetReader::open(path(name), format, pretraining_record_columns());
    std::vector<std::string> all;
    for (DatasetRow row; reader->next(row);) {
      std::string text;
      for (const DatasetValue& value : row)
        text += fmt::format("{} {};", joined(value.ints, ","), joined(value.floats, ","));
      all.push_back(text);
    }
    return all;
  }

 private:
  static std::string documents(int count) {
    std::string text;
    for (int d = 0; d < count; ++d) {
      text += fmt::format("<doc id=\"{}\" title=\"T\">\nT\n", d);
      for (int s = 0; s < 1 + d % 7; ++s)
        text += fmt::format("Hello {} world. Good {}.\n", static_cast<char>('a' + d % 26), "bye");
      text += "</doc>\n";
    }
    return text;
  }

  TemporaryFolder folder_;
};

}  // namespace

TEST_CASE("generate_pretraining_records: a file of records for each file of text, the same in both formats") {
  const Texts texts;
  const std::string out =
      texts.make({"--input_file=" + texts.path("text"), "--output_dir=" + texts.path("mind"), "--threads=2"});
  CHECK_MESSAGE(out.find("/mind/AA_wiki_00.mindrecord: 30 documents, ") != std::string::npos, out);
  CHECK(out.find("(2 of 3 files)") != std::string::npos);
  CHECK(out.find("warning: " + texts.path("text/AA/stubs") + ": no sentence in it") != std::string::npos);
  CHECK_FALSE(fs::exists(texts.path("mind/AA_stubs.mindrecord")));
  texts.make({"--input_file=" + texts.path("text/AA/wiki_*"), "--output_dir=" + texts.path("tf"),
              "--dataset_format=tfrecord", "--threads=1"});
  const auto rows = texts.rows("mind/AA_wiki_00.mindrecord", DatasetFormat::mindrecord);
  CHECK(rows.size() > 100);
  CHECK(rows == texts.rows("tf/wiki_00.tfrecord", DatasetFormat::tfrecord));
  CHECK(texts.rows("mind/AA_wiki_01.mindrecord", DatasetFormat::mindrecord) ==
        texts.rows("tf/wiki_01.tfrecord", DatasetFormat::tfrecord));

  CHECK(texts
            .make({"--input_file=" + texts.path("text/AA/wiki_00"), "--output_dir=" + texts.path("tf"),
                   "--dataset_format=tfrecord", "--random_seed=1"})
            .find("is there already: kept") != std::string::npos);
  CHECK(rows == texts.rows("tf/wiki_00.tfrecord", DatasetFormat::tfrecord));
  texts.make({"--input_file=" + texts.path("text/AA/wiki_00"), "--output_dir=" + texts.path("tf"),
              "--dataset_format=tfrecord", "--random_seed=1", "--overwrite"});
  CHECK(rows != texts.rows("tf/wiki_00.tfrecord", DatasetFormat::tfrecord));
}

TEST_CASE(
    "generate_pretraining_records: several files of text as one, its examples to several files in turn") {
  const Texts texts;
  const std::string input =
      "--input_file=" + texts.path("text/AA/wiki_00") + "," + texts.path("text/AA/wiki_01.txt");
  texts.make({input, "--output_file=" + texts.path("all.mindrecord")});
  texts.make({input, "--output_file=" + texts.path("a.mindrecord") + "," + texts.path("b.mindrecord")});
  const auto all = texts.rows("all.mindrecord", DatasetFormat::mindrecord),
             a = texts.rows("a.mindrecord", DatasetFormat::mindrecord),
             b = texts.rows("b.mindrecord", DatasetFormat::mindrecord);
  REQUIRE(all.size() == a.size() + b.size());

  // Names may have commas: in a list after a backslash, alone as they are.
  std::filesystem::copy(texts.path("text/AA/wiki_00"), texts.path("first, whole.txt"));
  texts.make({"--input_file=" + texts.path("first\\, whole.txt") + "," + texts.path("text/AA/wiki_01.txt"),
              "--output_file=" + texts.path("all\\,.mindrecord")});
  CHECK(texts.rows("all,.mindrecord", DatasetFormat::mindrecord) == all);
  texts.make({"--input_file=" + texts.path("first, whole.txt"), "--output_dir=" + texts.path("odd")});
  CHECK(!texts.rows("odd/first, whole.mindrecord", DatasetFormat::mindrecord).empty());
  for (size_t i = 0; i < all.size(); ++i) CHECK(all[i] == (i % 2 == 0 ? a : b)[i / 2]);
}

TEST_CASE("generate_pretraining_records: text longer than the memory is made in parts") {
  const Texts texts;
  std::string text;
  for (int i = 0; i < 40'000; ++i) text += i % 40 == 39 ? "\n" : "one more line with words of letters only\n";
  const std::string input = "--input_file=" + texts.write("long.txt", text);
  const std::string out =
      texts.make({input, "--output_file=" + texts.path("parts.mindrecord"), "--memory_mb=16"});
  CHECK_MESSAGE(out.find("1000 documents, 39000 sentences") != std::string::npos, out);
  CHECK_MESSAGE(out.find("made in 6 parts") != std::string::npos, out);
  CHECK(texts.rows("parts.mindrecord", DatasetFormat::mindrecord).size() > 39'000);
}

TEST_CASE("generate_pretraining_records does not replace one of several files") {
  const Texts texts;
  const std::string input = "--input_file=" + texts.path("text/AA/wiki_00");
  const std::string a = texts.path("a.mindrecord"), b = texts.path("b.mindrecord");
  texts.make({input, "--output_file=" + b});
  texts.refuse({input, "--output_file=" + a + "," + b},
               b + " is there already, and has other records than these");
  texts.refuse({input, "--output_file=" + a + "," + texts.path("./a.mindrecord")}, "would be written twice");
  CHECK_FALSE(fs::exists(a));
}

TEST_CASE("generate_pretraining_records: what a stopped run has left is completed") {
  const Texts texts;
  const std::string a = texts.path("a.mindrecord"), b = texts.path("b.mindrecord");
  const Words flags{"--input_file=" + texts.path("text/AA/wiki_00"), "--output_file=" + a + "," + b};
  texts.make(flags);
  const auto records = [&] {
    std::map<std::string, std::string> files = contents_of(texts.path(""));
    std::erase_if(files, [](const auto& file) { return !contains(file.first, ".mindrecord"); });
    return files;
  };
  const auto whole = records();
  REQUIRE(whole.size() == 4);
  for (const std::vector<std::string>& missing : std::vector<std::vector<std::string>>{
           {b, b + ".db"}, {a, a + ".db"}, {b + ".db"}, {a + ".db", b}, {a, a + ".db", b + ".db"}}) {
    for (const std::string& name : missing) fs::remove(name);
    texts.make(flags);
    CHECK(records() == whole);
  }
  CHECK(texts.make(flags).find("is there already: kept") != std::string::npos);
}

TEST_CASE("generate_pretraining_records says what is wrong") {
  const Texts texts;
  const std::string input = "--input_file=" + texts.path("text/AA/wiki_00"),
                    output = "--output_dir=" + texts.path("o");
  texts.refuse({output}, "--input_file is missing");
  texts.refuse({input}, "expected one of --output_file and --output_dir, found none");
  texts.refuse({input, output, "--output_file=a"},
               "expected one of --output_file and --output_dir, found both");
  texts.refuse({"--input_file=" + texts.path("none*"), output},
               "--input_file: no file '" + texts.path("none*"));
  texts.refuse({"--input_file=" + texts.path("text/AA/stubs"), output}, "no sentence in it");
  texts.refuse({"--input_file=" + texts.path("text") + "," + texts.path("text"), output},
               "would be written twice");
  texts.refuse({input, output, "--max_seq_length=4"}, "--max_seq_length");
  texts.refuse({input, output, "--memory_mb=16", "--dupe_factor=2000000"},
               "--memory_mb 16 with --dupe_factor 2000000");
  texts.refuse({"--input_file=" + texts.write("bad.txt", "good\nba\xFF\n"), output},
               "bad.txt:2: invalid UTF-8");
  CHECK_FALSE(fs::exists(texts.path("o/bad.mindrecord")));
}
