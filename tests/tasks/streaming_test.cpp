// Training on data that are not held in memory: records read meanwhile, examples of text in a file.
#include <doctest/doctest.h>
#include <fmt/core.h>

#include <algorithm>

#include "data/dataset.h"
#include "tests/files.h"
#include "tests/tasks/tiny_classifier.h"
#include "tests/tasks/tiny_ner.h"
#include "tests/tasks/tiny_squad.h"

using namespace gradus;

namespace {

// One task, with its text to train on and records of it.
struct Case {
  std::string name;
  const TinyTask& task;
  std::string train;  // text
  std::string generator;
  Words records_of;  // flags of the generator that makes records/train.tf_record and the like
};

Words ner_records(const TinyNer& tiny) {
  return {"--dataset_name=conll2003",
          "--data_dir=" + tiny.path(""),
          "--eval_file=train.txt",
          "--do_predict=false",
          "--vocab_file=" + tiny.path("vocab.txt"),
          "--max_seq_length=24",
          "--tokenizer=hf"};
}

// Calls use(Case) for every task that trains on records.
template <typename Use>
void for_every_task(Use&& use) {
  {
    const TinyNer tiny;
    use(Case{"ner", tiny, "train.txt", "generate_ner_records", ner_records(tiny)});
  }
  {
    const TinyClassifier tiny;
    std::filesystem::create_directory(tiny.path("data"));
    for (const std::string name : {"data/train.tsv", "data/dev.tsv", "data/test.tsv"})
      tiny.write(name, classified_texts);
    use(Case{"classifier",
             tiny,
             "data/train.tsv",
             "generate_classifier_records",
             {"--dataset_name=tsv", "--data_dir=" + tiny.path("data"),
              "--vocab_file=" + tiny.path("vocab.txt"), "--max_seq_length=24"}});
  }
  {
    const TinySquad tiny;
    use(Case{"squad",
             tiny,
             "train.txt",
             "generate_squad_records",
             {"--train_file=" + tiny.path("train.txt"), "--vocab_file=" + tiny.path("vocab.txt"),
              "--max_seq_length=24", "--max_query_length=8", "--doc_stride=8", "--do_shuffle=false"}});
  }
}

// Flags that train on text, with dropout and batches of which the last one is smaller, and save to `save`.
Words training(const Case& c, const std::string& save, const Words& more) {
  Words flags = c.task.training({"--dropout=0.1", "--train_batch_size=3", "--epoch_num=3",
                                 "--save_checkpoint_steps=1", "--keep_checkpoints=100", "--eval_steps=1000",
                                 "--eval_data_file_path=", "--train_data_file_path=" + c.task.path(c.train),
                                 "--save_finetune_checkpoint_path=" + c.task.path(save)});
  if (c.name == "squad") flags.emplace_back("--max_query_length=8");
  if (c.name == "squad") flags.emplace_back("--doc_stride=8");
  return joined(flags, more);
}

// Makes records and returns the flags to train on them.
Words records(const Case& c, const std::string& format) {
  const Outcome made = run_program(c.generator, joined(c.records_of, {"--output_dir=" + c.task.path(format),
                                                                      "--dataset_format=" + format}));
  REQUIRE_MESSAGE(made.status == 0, made.err);
  const std::string ending = format == "mindrecord" ? ".mindrecord" : ".tf_record";
  return {"--dataset_format=" + format, "--train_data_file_path=" + c.task.path(format + "/train" + ending)};
}

int last_checkpoint(const Case& c, const std::string& save) {
  int last = 0;
  while (std::filesystem::exists(c.task.path(fmt::format("{}/checkpoint-{}", save, last + 1)))) ++last;
  return last;
}

std::string weights(const Case& c, const std::string& save, int step) {
  return file_content(c.task.path(fmt::format("{}/checkpoint-{}/model.safetensors", save, step)));
}

}  // namespace

TEST_CASE("examples in a file: the bits of those in memory, resumed with either") {
  for_every_task([](const Case& c) {
    CAPTURE(c.name);
    const std::string in_memory = c.task.print(training(c, "memory", {}));
    CHECK(!contains(in_memory, "in a file"));
    CHECK(contains(c.task.print(training(c, "file", {"--stream"})), "MiB in a file, not in memory"));
    const int last = last_checkpoint(c, "memory");
    REQUIRE(last > 3);
    CHECK(weights(c, "file", last) == weights(c, "memory", last));
    for (int step = 4; step <= last; ++step)
      std::filesystem::remove_all(c.task.path(fmt::format("file/checkpoint-{}", step)));
    std::filesystem::remove_all(c.task.path("file/latest"));
    c.task.print(training(c, "file", {"--resume"}));
    CHECK(weights(c, "file", last) == weights(c, "memory", last));
  });
}

TEST_CASE("streamed records: the bits of records read before, shuffled or not") {
  for_every_task([](const Case& c) {
    for (const std::string format : {"tfrecord", "mindrecord"}) {
      CAPTURE(c.name);
      CAPTURE(format);
      const Words more =
          joined(records(c, format), {format == "tfrecord" ? "--train_data_shuffle=false" : "--seed=7"});
      c.task.print(training(c, "read_" + format, more));
      const std::string out = c.task.print(training(c, "streamed_" + format, joined(more, {"--stream"})));
      CHECK(contains(out, "records, read as they are trained on"));
      const int last = last_checkpoint(c, "read_" + format);
      REQUIRE(last > 3);
      CHECK(last_checkpoint(c, "streamed_" + format) == last);
      CHECK(weights(c, "streamed_" + format, last) == weights(c, "read_" + format, last));
    }
  });
}

TEST_CASE("streamed records, shuffled: resumed from the middle of an epoch to the same bits") {
  for_every_task([](const Case& c) {
    CAPTURE(c.name);
    const Words more = joined(records(c, "tfrecord"), {"--stream", "--gradient_accumulation_steps=2"});
    c.task.print(training(c, "whole", more));
    const int last = last_checkpoint(c, "whole");
    REQUIRE(last > 4);
    std::filesystem::create_directory(c.task.path("resumed"));
    // Neither at the end of an epoch nor of the run.
    const int from = last / 3 + 1;
    const std::string name = fmt::format("/checkpoint-{}", from);
    std::filesystem::copy(c.task.path("whole" + name), c.task.path("resumed" + name),
                          std::filesystem::copy_options::recursive);
    const std::string out = c.task.print(training(c, "resumed", joined(more, {"--resume", "--recompute"})));
    CHECK(contains(out, fmt::format("at step {}\n", from)));
    CHECK(weights(c, "resumed", last) == weights(c, "whole", last));
    // Records are known by other means when they are streamed.
    const Words not_streamed =
        joined(records(c, "tfrecord"), {"--resume", "--gradient_accumulation_steps=2"});
    c.task.refuse(training(c, "resumed", not_streamed),
                  "was made with streamed records: it can't be continued otherwise: give --stream");
    c.task.print(training(c, "read_before", joined(records(c, "tfrecord"), {"--max_steps=1"})));
    c.task.refuse(training(c, "read_before", joined(records(c, "tfrecord"), {"--resume", "--stream"})),
                  "give a larger --memory_mb, and no --stream");
  });
}

TEST_CASE("streamed records with evaluations, the best model and an early end in the middle of an epoch") {
  const TinyNer tiny;
  const Case c{"ner", tiny, "train.txt", "generate_ner_records", ner_records(tiny)};
  const Words of_records = records(c, "tfrecord");
  const auto run = [&](const std::string& save, const Words& more) {
    const Words often{"--eval_steps=1", "--early_stopping_patience=4", "--learning_rate=0", "--epoch_num=50",
                      "--eval_data_file_path=" + tiny.path("tfrecord/eval.tf_record")};
    return tiny.print(training(c, save, joined(joined(of_records, often), more)));
  };
  CHECK(contains(run("read", {}), "stopping early"));
  CHECK(contains(run("streamed", {"--stream"}), "stopping early"));
  CHECK(last_checkpoint(c, "streamed") == 5);
  CHECK(weights(c, "streamed", 5) == weights(c, "read", 5));
  CHECK(file_content(tiny.path("streamed/best/model.safetensors")) ==
        file_content(tiny.path("read/best/model.safetensors")));
}

TEST_CASE("records are streamed by themselves past --memory_mb") {
  const TinyNer tiny;
  const Case c{"ner", tiny, "train.txt", "generate_ner_records", ner_records(tiny)};
  const Words of_records = records(c, "tfrecord");
  // The file again and again until it has more than a MiB.
  const std::string file = tiny.path("tfrecord/train.tf_record"), content = file_content(file);
  std::string many;
  while (many.size() <= (size_t{1} << 20)) many += content;
  write_file(file, many);
  const Words few_steps = joined(of_records, {"--max_steps=3", "--memory_mb=1"});
  CHECK(contains(tiny.print(training(c, "save", few_steps)), "read as they are trained on"));
  const std::string whole = tiny.print(training(c, "save_2", joined(few_steps, {"--train_batch_tokens=40"})));
  CHECK(!contains(whole, "read as they are trained on"));
  CHECK(contains(whole, "is held in memory, though it is large: --train_batch_tokens needs all lengths"));
  tiny.refuse(training(c, "save", joined(few_steps, {"--train_batch_tokens=40", "--stream"})),
              "--train_batch_tokens 40: how long streamed records are is not known before");
  tiny.refuse({"--do_eval", "--stream", "--load_finetune_checkpoint_path=" + tiny.path("save"),
               "--eval_data_file_path=" + tiny.path("train.txt")},
              "--stream is about training data: add --do_train");
}

TEST_CASE("a compressed file is streamed in its order alone") {
  const TinyNer tiny;
  const Case c{"ner", tiny, "train.txt", "generate_ner_records", ner_records(tiny)};
  const Words of_records = records(c, "tfrecord");
  std::filesystem::create_directory(tiny.path("gz"));
  std::filesystem::copy(tiny.path("tfrecord/label_list.txt"), tiny.path("gz/label_list.txt"));
  const auto plain = DatasetReader::open(tiny.path("tfrecord/train.tf_record"), DatasetFormat::tfrecord,
                                         {{"input_ids"}, {"input_mask"}, {"segment_ids"}, {"label_ids"}});
  const auto zipped = DatasetWriter::create(tiny.path("gz/train.tf_record.gz"), DatasetFormat::tfrecord,
                                            {{"input_ids"}, {"input_mask"}, {"segment_ids"}, {"label_ids"}});
  for (DatasetRow row; plain->next(row);) zipped->write(row);
  zipped->finish();
  const Words gz{"--dataset_format=tfrecord", "--stream",
                 "--train_data_file_path=" + tiny.path("gz/train.tf_record.gz")};
  tiny.refuse(training(c, "save", gz),
              "gz/train.tf_record.gz: a compressed file is read from its start to its "
              "end: to stream it, unpack it or give --train_data_shuffle false");
  const Words in_order{"--train_data_shuffle=false"};
  tiny.print(training(c, "streamed", joined(gz, in_order)));
  tiny.print(training(c, "read", joined(of_records, in_order)));
  const int last = last_checkpoint(c, "read");
  CHECK(weights(c, "streamed", last) == weights(c, "read", last));
}

TEST_CASE("what is wrong with a streamed record is told when its turn has come, by its place") {
  const TinyNer tiny;
  const Case c{"ner", tiny, "train.txt", "", {}};
  std::filesystem::create_directory(tiny.path("records"));
  tiny.write("records/label_list.txt", "O\nB-PER\nI-PER\n");
  const auto write = [&](const std::vector<DatasetRow>& rows) {
    const auto writer =
        DatasetWriter::create(tiny.path("records/train.tf_record"), DatasetFormat::tfrecord,
                              {{"input_ids"}, {"input_mask"}, {"segment_ids"}, {"label_ids"}});
    for (const DatasetRow& row : rows) writer->write(row);
    writer->finish();
  };
  const auto row = [](int32_t label) {
    return DatasetRow{
        {{2, 5, 6, 3}, {}}, {{1, 1, 1, 1}, {}}, {{0, 0, 0, 0}, {}}, {{-100, 1, label, -100}, {}}};
  };
  const Words flags = training(c, "save",
                               {"--dataset_format=tfrecord", "--stream", "--train_data_shuffle=false",
                                "--train_data_file_path=" + tiny.path("records/train.tf_record")});
  std::vector<DatasetRow> rows(10'004, row(0));
  rows.back() = row(7);
  write(rows);
  const Outcome outcome = run_program("run_ner", joined(flags, {"--train_batch_size=1000"}));
  CHECK(outcome.status == 2);
  CHECK(contains(outcome.err, "train.tf_record: record 10004: label_ids[2] is 7"));
  // Records without a label are left out and counted, here and there and all of a batch.
  rows.assign(11, row(2));
  for (const size_t i : {0, 3, 4, 5, 10})
    for (int32_t& label : rows[i][3].ints) label = -100;
  write(rows);
  std::filesystem::remove_all(tiny.path("save"));
  const std::string out = tiny.print(joined(flags, {"--epoch_num=1"}));
  CHECK(contains(out, "training data: 5 of 11 records read had nothing to learn from: they were left out\n"));
  CHECK(last_checkpoint(c, "save") == 4);
  for (DatasetRow& each : rows)
    for (int32_t& label : each[3].ints) label = -100;
  write(rows);
  tiny.refuse(joined(flags, {"--save_finetune_checkpoint_path=" + tiny.path("none")}),
              "in none of 11 records a label: all are -100");
}

TEST_CASE("streamed records: what has to be known before is asked for") {
  const TinySquad tiny;
  std::filesystem::create_directory(tiny.path("records"));
  const auto writer = DatasetWriter::create(tiny.path("records/train.tf_record"), DatasetFormat::tfrecord,
                                            {{"input_ids"},
                                             {"input_mask"},
                                             {"segment_ids"},
                                             {"start_positions"},
                                             {"end_positions"},
                                             {"is_impossible"}});
  for (int32_t i = 0; i < 10'002; ++i) {
    const int32_t impossible = i == 10'001 ? 1 : 0, place = impossible == 1 ? 0 : 4;
    writer->write({{{2, 5, 3, 6, 7, 3}, {}},
                   {{1, 1, 1, 1, 1, 1}, {}},
                   {{0, 0, 0, 1, 1, 1}, {}},
                   {{place}, {}},
                   {{place}, {}},
                   {{impossible}, {}}});
  }
  writer->finish();
  Words flags = tiny.training({"--dataset_format=tfrecord", "--stream", "--train_data_shuffle=false",
                               "--eval_data_file_path=", "--train_batch_size=2000", "--epoch_num=1",
                               "--max_query_length=8",
                               "--train_data_file_path=" + tiny.path("records/train.tf_record")});
  const Outcome outcome = tiny.run(flags);
  CHECK(outcome.status == 2);
  CHECK(contains(outcome.err,
                 "record 10002: its question has no answer: no record that was looked at before "
                 "said so: give --version_2_with_negative true"));
  std::filesystem::remove_all(tiny.path("save"));
  tiny.print(joined(flags, {"--version_2_with_negative=true"}));

  const TinyClassifier classifier;
  const auto texts = DatasetWriter::create(
      classifier.path("train.tf_record"), DatasetFormat::tfrecord,
      {{"input_ids"}, {"input_mask"}, {"segment_ids"}, {"label_ids"}, {"is_real_example"}});
  for (int32_t i = 0; i < 9; ++i)
    texts->write({{{2, 5, 3}, {}}, {{1, 1, 1}, {}}, {{0, 0, 0}, {}}, {{i % 2}, {}}, {{i < 8 ? 1 : 0}, {}}});
  texts->finish();
  flags = classifier.training(
      {"--dataset_format=tfrecord", "--stream", "--num_class=2",
       "--eval_data_file_path=", "--train_data_file_path=" + classifier.path("train.tf_record")});
  CHECK(contains(classifier.print(flags), "training data: 2 of 18 records read had nothing to learn from"));
  classifier.refuse(joined(flags, {"--class_weights=balanced"}),
                    "--class_weights balanced: the classes of streamed records are not counted before");
}

TEST_CASE("text of more words than are held is read in parts") {
  const TinyNer tiny;
  const Case c{"ner", tiny, "many.txt", "", {}};
  std::string many;
  int64_t words = 0;
  const std::vector<std::string> lines = lines_of(ner_sentences);
  while (words <= 250'000) {
    many += ner_sentences;
    words += std::ranges::count_if(lines, [](const std::string& line) { return !line.empty(); });
  }
  // A tag that is in the last part alone.
  tiny.write("many.txt", many + "\n\nAnna B-LATE\nis O\n");
  const Words few{"--max_steps=2", "--save_checkpoint_steps=2"};
  tiny.print(training(c, "memory", few));
  const std::string out = tiny.print(training(c, "parts", joined(few, {"--stream"})));
  CHECK(contains(out, "read in parts, and once more for training"));
  CHECK(file_content(tiny.path("parts/checkpoint-2/model.safetensors")) ==
        file_content(tiny.path("memory/checkpoint-2/model.safetensors")));
  CHECK(file_content(tiny.path("parts/checkpoint-2/config.json")) ==
        file_content(tiny.path("memory/checkpoint-2/config.json")));
}

TEST_CASE("a wrong tag in a later part is told by its line; what can be read but once is not read in parts") {
  const TinyNer tiny;
  std::string many;
  int64_t lines = 0;
  while (lines <= 300'000) {
    many += ner_sentences;
    lines += std::ranges::count(ner_sentences, '\n');
  }
  many += "\n\nAnna name\nis O\n";
  const int64_t line = std::ranges::count(many, '\n') - 1;
  const Case c{"ner", tiny, "many.txt", "", {}};
  tiny.write("many.txt", many);
  for (const char* way : {"--stream", "--memory_mb=1", "--memory_mb=1000"})
    tiny.refuse(training(c, "save", {way}),
                fmt::format("many.txt:{}: word 'Anna': the tag 'name' is not an entity's", line));
  tiny.refuse(training(c, "save", {"--stream", "--train_data_file_path=/dev/null"}),
              "--stream: '/dev/null' is no file: text is read twice then");
}

TEST_CASE("streamed records in which nothing can be learned from the first are trained on with a warning") {
  const TinyNer tiny;
  const Case c{"ner", tiny, "train.txt", "", {}};
  tiny.write("label_list.txt", "O\nB-PER\nI-PER\n");
  const auto writer = DatasetWriter::create(tiny.path("train.tf_record"), DatasetFormat::tfrecord,
                                            {{"input_ids"}, {"input_mask"}, {"segment_ids"}, {"label_ids"}});
  for (int32_t i = 0; i < 10'003; ++i) {
    const int32_t label = i < 10'000 ? 0 : 1;
    writer->write({{{2, 5, 6, 3}, {}}, {{1, 1, 1, 1}, {}}, {{0, 0, 0, 0}, {}}, {{-100, label, 0, -100}, {}}});
  }
  writer->finish();
  const Words flags{"--dataset_format=tfrecord", "--train_data_shuffle=false", "--max_steps=1",
                    "--train_data_file_path=" + tiny.path("train.tf_record")};
  CHECK(contains(tiny.print(training(c, "save", joined(flags, {"--stream"}))),
                 "warning: of the records that were looked at: "));
}
