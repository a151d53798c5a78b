// Programs on a disk that fails: every output call of a run fails once, in a run of its own.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <future>
#include <map>

#include "nn/checkpoints/safetensors.h"
#include "tests/places.h"
#include "tests/tasks/tiny_ner.h"

using namespace gradus;
namespace fs = std::filesystem;

namespace {

using Snapshot = std::map<std::string, std::string>;

// A command that writes below the folder "out" of where it runs.
struct Job {
  std::string program;
  std::function<Words(const std::string& folder)> flags;
  // Puts into "out" what stood there before.
  std::function<void(const std::string& folder)> before = [](const std::string&) {};
  // Files that are never the same twice: times, durations.
  std::vector<std::string> changing = {};

  bool changes(const std::string& name) const {
    return std::any_of(changing.begin(), changing.end(),
                       [&](const std::string& part) { return name.find(part) != std::string::npos; });
  }
};

class FailingRuns {
 public:
  explicit FailingRuns(Job job) : job_(std::move(job)) {
    fs::create_directory(old_ / "out");
    job_.before(old_.path().string());
    begin_anew(whole_.path());
    before_ = contents_of(whole_ / "out");
    const Outcome outcome = run(whole_.path(), 0, 0);
    REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
    after_ = contents_of(whole_ / "out");
    calls_ = std::stol(file_content(whole_ / "count"));
    REQUIRE(calls_ > 0);
  }

  // Each call fails for one reason or the other. Two runs at a time: most of a run is waiting.
  void check_all() {
    refused_ = 0;
    std::atomic<long> next{1};
    const auto work = [&] {
      for (long call = next++; call <= calls_; call = next++) check_one(call, call % 2 == 0 ? ENOSPC : EIO);
    };
    std::future<void> second = std::async(std::launch::async, work);
    work();
    second.get();
    CHECK(refused_ > 0);
  }

 private:
  void begin_anew(const fs::path& folder) const {
    fs::remove_all(folder / "out");
    fs::copy(old_ / "out", folder / "out", fs::copy_options::recursive);
  }

  Outcome run(const fs::path& folder, long call, int reason) const {
    Words command{"/usr/bin/env",
                  "GRADUS_FAIL_UNDER=" + (folder / "out").string(),
                  "GRADUS_FAIL_AT=" + std::to_string(call),
                  "GRADUS_FAIL_WITH=" + std::to_string(reason),
                  "GRADUS_FAIL_COUNT=" + (folder / "count").string(),
                  "LD_PRELOAD=" + place("GRADUS_FAIL_LIBRARY").string()};
    for (const std::string& word : command_of(job_.program, job_.flags(folder.string())))
      command.push_back(word);
    return Process(command, "").wait();
  }

  void check_one(long call, int reason) {
    const TemporaryFolder folder;
    begin_anew(folder.path());
    const Outcome outcome = run(folder.path(), call, reason);
    const std::string what = fmt::format("{}: call {} of {}: {}: status {}: {}", job_.program, call, calls_,
                                         std::strerror(reason), outcome.status, outcome.err);
    const Snapshot found = contents_of(folder / "out");
    if (outcome.status == 0) {
      check_same(found, after_, what);
      return;
    }
    // EIO's own text ends in "error" as well.
    ++refused_;
    const size_t line = ("\n" + outcome.err).rfind("\nerror: ");
    const std::string message = line == std::string::npos ? "" : outcome.err.substr(line);
    CHECK_MESSAGE(outcome.status == 2, what);
    CHECK_MESSAGE(std::count(message.begin(), message.end(), '\n') == 1, what);
    CHECK_MESSAGE(message.find(std::strerror(reason)) != std::string::npos, what);
    CHECK_MESSAGE(message.find((folder / "out").string()) != std::string::npos, what);
    check_whole(found, what);
    const Outcome again = run(folder.path(), 0, 0);
    CHECK_MESSAGE(again.status == 0, what << "again: " << again.err);
    check_same(contents_of(folder / "out"), after_, what + "again: ");
  }

  // Whether each file is the old or the new one, and none is lost.
  void check_whole(const Snapshot& found, const std::string& what) const {
    for (const auto& [name, bytes] : found) {
      const auto old = before_.find(name), made = after_.find(name);
      if (job_.changes(name)) continue;
      const bool known = old != before_.end() || made != after_.end();
      CHECK_MESSAGE(known, what << name << " is left behind");
      if (!known) continue;
      const bool whole =
          (old != before_.end() && bytes == old->second) || (made != after_.end() && bytes == made->second);
      CHECK_MESSAGE(whole, what << name << " is neither the old nor the new file");
    }
    for (const auto& [name, bytes] : before_) CHECK_MESSAGE(found.contains(name), what << name << " is lost");
  }

  void check_same(const Snapshot& found, const Snapshot& expected, const std::string& what) const {
    for (const auto& [name, bytes] : found)
      CHECK_MESSAGE((job_.changes(name) || expected.contains(name)), what << name << " is left behind");
    for (const auto& [name, bytes] : expected) {
      if (job_.changes(name)) continue;
      CHECK_MESSAGE((found.contains(name) && found.at(name) == bytes), what << name << " is another");
    }
  }

  Job job_;
  TemporaryFolder old_;    // what stood there before
  TemporaryFolder whole_;  // a run with nothing wrong
  Snapshot before_, after_;
  long calls_ = 0;
  std::atomic<int> refused_ = 0;  // runs that noticed their fault
};

// False, with a word, where the library can't be loaded before the program.
bool can_fail() {
#if defined(__SANITIZE_ADDRESS__)
  MESSAGE("skipped: the address sanitizer has to be the first library of a program");
  return false;
#else
  REQUIRE(!place("GRADUS_FAIL_LIBRARY").empty());
  return true;
#endif
}

void run_whole(const std::string& program, const Words& flags) {
  const Outcome outcome = run_program(program, flags);
  REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
}

// A checkpoint of one tensor; `value` tells one from another.
std::string checkpoint_of(const TemporaryFolder& folder, const std::string& name, float value) {
  const std::vector<float> values(4, value);
  const TensorEntry bias{"bert.pooler.dense.bias", "F32", {4}, std::as_bytes(std::span(values))};
  write_safetensors((folder / name).string(), std::vector<TensorEntry>{bias});
  return (folder / name).string();
}

}  // namespace

TEST_CASE("faults: convert_checkpoint replaces a checkpoint of each format or leaves it as it was") {
  if (!can_fail()) return;
  const TemporaryFolder inputs;
  const std::string old = checkpoint_of(inputs, "old.safetensors", 1),
                    made = checkpoint_of(inputs, "new.safetensors", 2);
  for (const auto& [format, name] :
       {std::pair("safetensors", "out/a.safetensors"), std::pair("mindspore", "out/a.ckpt"),
        std::pair("tensorflow", "out/a")}) {
    CAPTURE(format);
    const auto flags = [format = format, name = name](const std::string& from, const std::string& folder) {
      return Words{"--to", format, "--allow_missing", "--overwrite", from, folder + "/" + name};
    };
    Job job{"convert_checkpoint", [&](const std::string& folder) { return flags(made, folder); }};
    FailingRuns(job).check_all();
    job.before = [&](const std::string& folder) { run_whole("convert_checkpoint", flags(old, folder)); };
    FailingRuns(job).check_all();
  }
}

TEST_CASE("faults: generators make their records whole, or leave what was there") {
  if (!can_fail()) return;
  const TemporaryFolder inputs;
  const std::string words = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nbonn\nis\nold\n##er\n?\nwhere\n";
  const std::string vocab = "--vocab_file=" + inputs.write("vocab.txt", words);
  inputs.write("train.txt", "bonn B-LOC\nis O\n\nold O\n\n");
  inputs.write("dev.txt", "old B-MISC\n\n");
  inputs.write("test.txt", "is O\n\n");
  inputs.write("labels.txt", "O\nB-MISC\nB-LOC\n");
  inputs.write("train.tsv", "bonn is old\tyes\nis old\tno\nold\tyes\nbonn\tno\n");
  inputs.write(
      "squad.json",
      R"({"data": [{"paragraphs": [{"context": "bonn is old", "qas": [{"id": "1", "question": "where?",
                   "answers": [{"text": "bonn", "answer_start": 0}]}]}]}]})");
  inputs.write("text.txt", "bonn is old\nis old\n\nold bonn\nis bonn\n");

  const auto ner = [&](const std::string& folder, const Words& more) {
    Words flags{"--dataset_name=conll2003",
                "--data_dir=" + inputs.path().string(),
                "--train_file=train.txt",
                "--eval_file=dev.txt",
                "--predict_file=test.txt",
                "--max_seq_length=8",
                vocab,
                "--output_dir=" + folder + "/out"};
    flags.insert(flags.end(), more.begin(), more.end());
    return flags;
  };
  FailingRuns({"generate_ner_records", [&](const std::string& folder) { return ner(folder, {}); }})
      .check_all();
  // Another list of labels than the records that are there were made with.
  const Words other{"--label_file=" + (inputs / "labels.txt").string(), "--overwrite=true",
                    "--dataset_format=tfrecord"};
  FailingRuns({"generate_ner_records", [&](const std::string& folder) { return ner(folder, other); },
               [&](const std::string& folder) {
                 run_whole("generate_ner_records", ner(folder, {"--dataset_format=tfrecord"}));
               }})
      .check_all();
  FailingRuns({"generate_squad_records",
               [&](const std::string& folder) {
                 return Words{"--train_file=" + (inputs / "squad.json").string(),
                              vocab,
                              "--max_seq_length=16",
                              "--max_query_length=6",
                              "--doc_stride=4",
                              "--output_dir=" + folder + "/out"};
               }})
      .check_all();
  FailingRuns({"generate_pretraining_records",
               [&](const std::string& folder) {
                 return Words{
                     "--input_file=" + (inputs / "text.txt").string(), vocab, "--max_seq_length=16",
                     "--output_file=" + folder + "/out/a.mindrecord," + folder + "/out/b.mindrecord"};
               }})
      .check_all();
  FailingRuns({"generate_classifier_records",
               [&](const std::string& folder) {
                 return Words{"--dataset_name=tsv",     "--data_dir=" + inputs.path().string(),
                              "--train_file=train.tsv", "--do_eval=false",
                              "--do_predict=false",     vocab,
                              "--max_seq_length=8",     "--output_dir=" + folder + "/out"};
               }})
      .check_all();
  const TemporaryFolder records;
  run_whole("generate_squad_records",
            {"--train_file=" + (inputs / "squad.json").string(), vocab, "--max_seq_length=16",
             "--max_query_length=6", "--doc_stride=4", "--dataset_format=tfrecord",
             "--output_dir=" + records.path().string()});
  FailingRuns({"parallel_tfrecord_to_mindrecord",
               [&](const std::string& folder) {
                 return Words{"--input_tfrecord_dir=" + records.path().string(),
                              "--output_mindrecord_dir=" + folder + "/out"};
               }})
      .check_all();
}

TEST_CASE("faults: a script that starts a training is written whole, or the old one stays") {
  if (!can_fail()) return;
  const TemporaryFolder inputs;
  const std::string ini = inputs.write("a.ini", "[config]\nepoch_size = 2\n"),
                    hosts = inputs.write("hosts", "localhost slots=2\n");
  const auto flags = [&](const std::string& folder) {
    return Words{"--hyper_parameter_config_dir=" + ini, "--hostfile=" + hosts, "--data_dir=records/",
                 "--program=run_pretrain", "--cmd_file=" + folder + "/out/cmd.sh"};
  };
  FailingRuns({"get_distribute_pretrain_cmd", flags,
               [](const std::string& folder) { write_file(folder + "/out/cmd.sh", "old\n"); }})
      .check_all();
}

TEST_CASE("faults: an exported model is written with its weights, or what was there stays") {
  if (!can_fail()) return;
  const TinyNer task;
  run_whole("run_ner", task.training({"--max_steps=1", "--save_finetune_checkpoint_path=" + task.path("a")}));
  run_whole("run_ner", task.training({"--max_steps=2", "--save_finetune_checkpoint_path=" + task.path("b")}));
  for (const char* format : {"ONNX", "MINDIR"}) {
    const auto flags = [&task, format](const std::string& model, const std::string& folder) {
      return Words{"--load_finetune_checkpoint_path=" + task.path(model),
                   "--export_file_name=" + folder + "/out/model",
                   std::string("--file_format=") + format,
                   "--seq_length=8",
                   "--external_data",
                   "--overwrite"};
    };
    FailingRuns({"export", [&](const std::string& folder) { return flags("b", folder); },
                 [&](const std::string& folder) { run_whole("export", flags("a", folder)); }})
        .check_all();
  }
}

TEST_CASE("faults: infer leaves whole files of inputs, of results and of scores") {
  if (!can_fail()) return;
  const TinyNer task;
  run_whole("run_ner", task.training({"--max_steps=1"}));
  Job job{"infer", [&](const std::string& folder) {
            return Words{"--task=ner",
                         "--load_finetune_checkpoint_path=" + task.path("save"),
                         "--eval_data_file_path=" + task.path("train.txt"),
                         "--threads=1",
                         "--seq_length=12",
                         "--eval_batch_size=6",
                         "--work_dir=" + folder + "/out"};
          }};
  job.changing = {"infer.log", "time_Result"};
  FailingRuns(job).check_all();
}

TEST_CASE("faults: a training saves whole checkpoints, and goes on where it could not") {
  if (!can_fail()) return;
  const TinyNer task;
  const auto flags = [&](const std::string& folder) {
    return task.training({"--max_steps=2", "--save_checkpoint_steps=2", "--resume", "--do_eval",
                          "--eval_steps=1", "--save_finetune_checkpoint_path=" + folder + "/out/save",
                          "--metrics_file=" + folder + "/out/metrics.json",
                          "--report=" + folder + "/out/report.html", "--log_dir=" + folder + "/out/events"});
  };
  Job job{"run_ner", flags};
  job.changing = {"metrics.json", "report.html", "events"};
  FailingRuns(job).check_all();
}
