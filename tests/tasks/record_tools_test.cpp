// vis_tfrecord_or_mindrecord and parallel_tfrecord_to_mindrecord.
#include <doctest/doctest.h>

#include "core/error.h"
#include "core/version.h"
#include "data/dataset.h"
#include "data/tf_example.h"
#include "data/tf_record.h"
#include "tests/json.h"
#include "tests/tasks/program.h"

using namespace gradus;
namespace fs = std::filesystem;

namespace {

std::string shown(const Words& flags) {
  const Outcome outcome = run_program("vis_tfrecord_or_mindrecord", flags);
  REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
  return outcome.out;
}

void write_examples(const std::string& path, int count, const std::string& name = "ids") {
  TfRecordWriter writer(path);
  for (int32_t i = 0; i < count; ++i) {
    TfExampleWriter example;
    example.ints(name, std::vector<int32_t>{i, -i});
    example.floats("weights", std::vector<float>{0.25F * static_cast<float>(i)});
    writer.write(example.serialize());
  }
  writer.finish();
}

}  // namespace

TEST_CASE("vis_tfrecord_or_mindrecord prints the fixtures' descriptions") {
  const fs::path fixtures = shared_folder("formats/fixtures");
  if (fixtures.empty()) return;
  for (const char* name :
       {"tfrecord/pretrain.tfrecord", "tfrecord/odd_values.tfrecord", "tfrecord/wire_variants.tfrecord",
        "mindrecord/all_types.mindrecord", "mindrecord/squad_eval_strings.mindrecord"}) {
    CAPTURE(name);
    const Json expected = json_of(file_content(fixtures / (std::string(name) + ".expected.json")));
    const Json found = json_of(shown({"--json", "--file_name", (fixtures / name).string()}));
    for (const char* key :
         {"examples", "num_records", "record_lengths", "schema", "num_rows", "rows_per_shard", "rows"}) {
      CAPTURE(key);
      CHECK(found.contains(key) == expected.contains(key));
      if (found.contains(key) && expected.contains(key)) CHECK(found.at(key) == expected.at(key));
    }
  }
  const Json shards =
      json_of(shown({"--json", "--file_name", (fixtures / "mindrecord/ner_4shard.mindrecord2").string()}));
  CHECK(shards.at("num_rows") == 50);
  CHECK(shards.at("rows").size() == 50);
}

TEST_CASE("vis_tfrecord_or_mindrecord shows as many records as asked for, as text") {
  const TemporaryFolder folder;
  const std::string path = (folder / "a.tfrecord").string();
  write_examples(path, 3);
  const std::string text = shown({"--limit", "2", "--file_name", path});
  CHECK(text == "start vis_tfrecord:  " + path +
                    "\nStart print tfrecord example: features {\n  feature {\n    key: \"ids\"\n    value "
                    "{\n      int64_list {\n        "
                    "value: 0\n        value: 0\n      }\n    }\n  }\n  feature {\n    key: \"weights\"\n    "
                    "value {\n      float_list "
                    "{\n        value: 0\n      }\n    }\n  }\n}\nStart print tfrecord example: features {\n "
                    " feature {\n    key: "
                    "\"ids\"\n    value {\n      int64_list {\n        value: 1\n        value: -1\n      "
                    "}\n    }\n  }\n  feature {\n  "
                    "  key: \"weights\"\n    value {\n      float_list {\n        value: 0.25\n      }\n    "
                    "}\n  }\n}\n");
  CHECK(run_program("vis_tfrecord_or_mindrecord", {}).err == "error: --file_name is missing\n");
  CHECK(run_program("vis_tfrecord_or_mindrecord", {"--file_name", "/nowhere"}).status == 2);
  const std::string broken = folder.write("broken", file_content(path).substr(0, 50));
  CHECK(run_program("vis_tfrecord_or_mindrecord", {"--file_name", broken}).status == 2);
}

TEST_CASE("vis_tfrecord_or_mindrecord tells the formats apart by their beginning") {
  const TemporaryFolder folder;
  // The masked checksum of this length begins with a brace and a quotation mark, as a MindRecord file's header does.
  const std::string path = (folder / "a.tfrecord").string();
  TfRecordWriter writer(path);
  const auto record = [](size_t size) {
    TfExampleWriter example;
    example.bytes("x", std::vector<std::string>{std::string(size, 'x')});
    return example.serialize();
  };
  const size_t around = record(44000).size() - 44000;
  REQUIRE(record(44160 - around).size() == 44160);
  writer.write(record(44160 - around));
  writer.finish();
  CHECK(file_content(path).substr(8, 2) == "{\"");
  CHECK(shown({"--file_name", path}).starts_with("start vis_tfrecord:"));
  CHECK(run_program("vis_tfrecord_or_mindrecord", {"--file_name", folder.write("empty.mindrecord", "")})
            .status == 2);
}

TEST_CASE("parallel_tfrecord_to_mindrecord converts every file of a folder") {
  const TemporaryFolder folder;
  fs::create_directory(folder / "in");
  for (int file = 0; file < 5; ++file)
    write_examples((folder / "in").string() + fmt::format("/part{}.tfrecord", file), 10 + file);
  folder.write("in/label_list.txt", "O\nB-PER\n");
  folder.write("in/schema.json", "{}");
  const Words flags{"--input_tfrecord_dir",
                    (folder / "in").string(),
                    "--output_mindrecord_dir",
                    (folder / "out").string(),
                    "--pool_nums",
                    "3"};
  const Outcome outcome = run_program("parallel_tfrecord_to_mindrecord", flags);
  REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
  CHECK(contains(outcome.out, "/in/label_list.txt has no records: left out\n"));
  CHECK(contains(outcome.out, "/in/schema.json has no records: left out\n"));
  const std::string first = fmt::format("Start convert {0}/in/part0.tfrecord to {0}/out/part0.mindrecord.\n",
                                        folder.path().string());
  CHECK_MESSAGE(outcome.out.find(first) != std::string::npos, outcome.out);
  for (int file = 0; file < 5; ++file) {
    const auto reader =
        DatasetReader::open((folder / "out").string() + fmt::format("/part{}.mindrecord", file),
                            DatasetFormat::mindrecord, {{"ids"}, {"weights", true}});
    int32_t rows = 0;
    for (DatasetRow row; reader->next(row); ++rows) {
      CHECK(row[0].ints == std::vector<int32_t>{rows, -rows});
      CHECK(row[1].floats == std::vector<float>{0.25F * static_cast<float>(rows)});
    }
    CHECK(rows == 10 + file);
  }
}

TEST_CASE("parallel_tfrecord_to_mindrecord names what it can't convert, and leaves no half of it") {
  const TemporaryFolder folder;
  fs::create_directory(folder / "in");
  const std::string path = (folder / "in/a.tfrecord").string();
  TfRecordWriter writer(path);
  for (const char* name : {"ids", "other"}) {
    TfExampleWriter example;
    example.ints(name, std::vector<int32_t>{1});
    writer.write(example.serialize());
  }
  writer.finish();
  const auto refused = [&](const std::string& text) {
    const Outcome outcome = run_program("parallel_tfrecord_to_mindrecord",
                                        {"--input_tfrecord_dir", (folder / "in").string(),
                                         "--output_mindrecord_dir", (folder / "out").string()});
    CHECK(outcome.status == 2);
    CHECK(outcome.err == "error: " + text + "\n");
    CHECK((!fs::exists(folder / "out") || fs::is_empty(folder / "out")));
  };
  refused(path + ": record 2: no \"ids\", which the first record has");
  TfRecordWriter sequences(path);
  sequences.write(std::string("\x0A\x00\x12\x00", 4));  // a context and lists of features, both empty
  sequences.finish();
  refused(path +
          ": record 1: byte 2: this is a tf.train.SequenceExample, whose lists of features are not read: "
          "expected tf.train.Example");
  write_file(path, "");
  refused(path + ": no record");
  fs::remove(path);
  refused(fmt::format("--input_tfrecord_dir {}: no file in it", (folder / "in").string()));
}

TEST_CASE("every program says which version it is, and its help page says how to ask") {
  const std::filesystem::path folder = std::filesystem::path(command_of("run_ner", {})[0]).parent_path();
  int count = 0;
  for (const std::string& program : names_in(folder)) {
    // What a build keeps beside them.
    if (program.find('.') != std::string::npos || std::filesystem::is_directory(folder / program)) continue;
    ++count;
    CAPTURE(program);
    const Outcome outcome = run_program(program, {"--version"});
    CHECK(outcome.status == 0);
    CHECK(outcome.out == fmt::format("{} {}\n", program, version()));
    CHECK(contains(run_program(program, {"--help"}).out, "--version"));
  }
  CHECK(count >= 12);
}
