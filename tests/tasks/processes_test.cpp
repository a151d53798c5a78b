// One training on several processes.
#include <doctest/doctest.h>
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/json.h"
#include "tests/tasks/tiny_classifier.h"
#include "tests/tasks/tiny_ner.h"
#include "tests/tasks/tiny_pretraining.h"
#include "tests/tasks/tiny_squad.h"

using namespace gradus;

namespace {

// A program on so many processes, of one thread each. Tests may be run by root, and on fewer processors.
Words on_processes(int processes, const std::string& program, const Words& flags) {
  return letting_root(joined({mpirun(), "--oversubscribe", "-n", std::to_string(processes)},
                             command_of(program, joined(flags, {"--distribute", "--threads=1"}))));
}

std::string run_on(int processes, const std::string& program, const Words& flags) {
  const Outcome outcome = Process(on_processes(processes, program, flags), "").wait();
  REQUIRE_MESSAGE(outcome.status == 0, outcome.out, outcome.err);
  return outcome.out;
}

std::vector<double> losses(const TinyTask& tiny, const std::string& checkpoint) {
  const Json state = json_of(file_content(tiny.path(checkpoint + "/trainer_state.json")));
  std::vector<double> values;
  for (const Json& point : state.at("history").at("losses").items()) values.push_back(point.number());
  return values;
}

void check_close(const std::vector<double>& found, const std::vector<double>& expected) {
  REQUIRE(found.size() == expected.size());
  REQUIRE(!found.empty());
  for (size_t i = 0; i < found.size(); ++i) {
    CAPTURE(i);
    CHECK(std::abs(found[i] - expected[i]) <= 1e-5 * std::abs(expected[i]));
  }
}

// The processes that the launcher has started.
std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> children;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::ifstream stat(entry.path() / "stat");
    std::string number, name, state;
    pid_t parent_of_it = 0;
    if (stat >> number >> name >> state >> parent_of_it && parent_of_it == parent)
      children.push_back(std::stoi(number));
  }
  std::ranges::sort(children);  // in the order of their ranks, mostly
  return children;
}

}  // namespace

TEST_CASE("k processes compute what one computes that accumulates over k times as many batches") {
  if (mpirun().empty()) return;
  const TinyPretraining tiny;
  const auto flags = [&](const std::string& save, int accumulation, const Words& more = {}) {
    return joined(
        tiny.training_on("train.mindrecord",
                         {"--dropout=0.1", "--max_steps=9", "--train_batch_size=3", "--epoch_num=100",
                          fmt::format("--gradient_accumulation_steps={}", accumulation),
                          "--save_finetune_checkpoint_path=" + tiny.path(save)}),
        more);
  };
  const Outcome alone = run_program("run_pretrain", joined(flags("one", 4), {"--threads=1"}));
  REQUIRE_MESSAGE(alone.status == 0, alone.err);
  const std::vector<double> expected = losses(tiny, "one/checkpoint-9");
  for (const int processes : {1, 2, 4}) {
    CAPTURE(processes);
    const std::string save = fmt::format("on{}", processes);
    const std::string out = run_on(processes, "run_pretrain", flags(save, 4 / processes));
    CHECK(contains(out, "training on ") == (processes > 1));
    CHECK(lines_of(part_from(out, "trained 9 steps")).size() > 0);
    check_close(losses(tiny, save + "/checkpoint-9"), expected);
  }
  // Streamed; with a sum after every batch.
  run_on(2, "run_pretrain", flags("streamed", 2, {"--stream"}));
  check_close(losses(tiny, "streamed/checkpoint-9"), expected);
  run_on(2, "run_pretrain", flags("often", 2, {"--allreduce_post_accumulation=false"}));
  check_close(losses(tiny, "often/checkpoint-9"), expected);
}

TEST_CASE("every program trains on several processes, and one of them does the rest") {
  if (mpirun().empty()) return;
  const auto check_program = [](const std::string& program, const TinyTask& tiny, const Words& training) {
    CAPTURE(program);
    // Of an epoch of three batches the second step has one, for the first process alone.
    const auto flags = [&](const std::string& save, int accumulation) {
      return joined(training, {"--train_batch_size=5", "--dropout=0.1", "--eval_steps=2",
                               fmt::format("--gradient_accumulation_steps={}", accumulation),
                               "--save_finetune_checkpoint_path=" + tiny.path(save)});
    };
    const Outcome alone = run_program(program, joined(flags("one", 2), {"--threads=1"}));
    REQUIRE_MESSAGE(alone.status == 0, alone.err);
    const std::string out = run_on(2, program, flags("two", 1));
    const auto checkpoint = [&](const std::string& save) {
      for (const auto& entry : std::filesystem::directory_iterator(tiny.path(save)))
        if (entry.path().filename().string().starts_with("checkpoint-"))
          return entry.path().filename().string();
      return std::string("none");
    };
    CHECK(checkpoint("one") == checkpoint("two"));
    check_close(losses(tiny, "two/" + checkpoint("two")), losses(tiny, "one/" + checkpoint("one")));
    // Said once, and scored once.
    size_t said = 0;
    for (const std::string& line : lines_of(out)) said += line.starts_with("memory: ") ? 1 : 0;
    CHECK(said == 1);
  };
  const TinyNer ner;
  check_program("run_ner", ner, ner.training({"--do_eval"}));
  const TinyClassifier classifier;
  check_program("run_classifier", classifier, classifier.training({"--do_eval"}));
  const TinySquad squad;
  check_program("run_squad", squad, squad.training({"--do_eval", "--max_query_length=8"}));
}

TEST_CASE("a run goes on on another number of processes, with batches of another size") {
  if (mpirun().empty()) return;
  const TinyPretraining tiny;
  const auto flags = [&](const std::string& save, int steps, int batch, int accumulation) {
    return tiny.training_on(
        "train.mindrecord",
        {"--dropout=0", "--schedule=constant", "--warmup_proportion=0", "--epoch_num=100",
         fmt::format("--max_steps={}", steps), fmt::format("--train_batch_size={}", batch),
         fmt::format("--gradient_accumulation_steps={}", accumulation),
         "--save_finetune_checkpoint_path=" + tiny.path(save), "--resume=auto"});
  };
  run_on(1, "run_pretrain", flags("whole", 12, 12, 1));
  run_on(2, "run_pretrain", flags("parts", 4, 6, 1));
  run_on(1, "run_pretrain", flags("parts", 8, 12, 1));
  CHECK(contains(run_on(3, "run_pretrain", flags("parts", 12, 2, 2)), "train_batch_size was 12"));
  check_close(losses(tiny, "parts/checkpoint-12"), losses(tiny, "whole/checkpoint-12"));

  const Outcome other = Process(on_processes(3, "run_pretrain", flags("parts", 14, 12, 1)), "").wait();
  CHECK(other.status == 2);
  CHECK(contains(other.err,
                 "made with train_batch_size 2 and 6 batches a step (gradient_accumulation_steps times "
                 "processes), this run has 12 and 3"));
}

TEST_CASE("a run that was scored goes on on several processes without data to score on") {
  if (mpirun().empty()) return;
  const TinyNer tiny;
  const Words plain{"--do_train",
                    "--train_data_file_path=" + tiny.path("train.txt"),
                    "--vocab_file_path=" + tiny.path("vocab.txt"),
                    "--hidden_size=16",
                    "--num_hidden_layers=1",
                    "--num_attention_heads=2",
                    "--seq_length=16",
                    "--train_batch_size=4",
                    "--save_checkpoint_steps=1",
                    "--schedule=constant",
                    "--save_finetune_checkpoint_path=" + tiny.path("save")};
  run_on(2, "run_ner", joined(plain, {"--max_steps=2", "--eval_data_file_path=" + tiny.path("train.txt")}));
  const std::string out = run_on(2, "run_ner", joined(plain, {"--max_steps=4", "--resume"}));
  CHECK(contains(out, "resuming from "));
  CHECK(std::filesystem::exists(tiny.path("save/checkpoint-4")));
}

TEST_CASE("when a process dies or hangs the others end soon, one says which, and the checkpoint goes on") {
  if (mpirun().empty()) return;
  const TinyPretraining tiny;
  const Words flags =
      tiny.training_on("train.mindrecord", {"--dropout=0", "--epoch_num=100000", "--save_checkpoint_steps=2",
                                            "--eval_steps=1000000", "--timeout_s=3", "--resume=auto"});
  const auto wait_for = [](const auto& done) {
    for (int i = 0; i < 6000 && !done(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    REQUIRE(done());
  };
  // The step of the newest checkpoint.
  const auto newest = [&] {
    int step = 0;
    if (!std::filesystem::exists(tiny.path("save"))) return step;
    for (const auto& entry : std::filesystem::directory_iterator(tiny.path("save"))) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with("checkpoint-")) step = std::max(step, std::stoi(name.substr(11)));
    }
    return step;
  };
  for (const int signal : {SIGKILL, SIGSTOP}) {
    for (const size_t victim : {0, 1}) {
      CAPTURE(signal);
      CAPTURE(victim);
      Process process(on_processes(2, "run_pretrain", flags), "");
      const int before = newest();
      wait_for([&] { return newest() > before && children_of(process.id()).size() >= 2; });
      const std::vector<pid_t> children = children_of(process.id());
      const auto start = std::chrono::steady_clock::now();
      ::kill(children[victim], signal);
      const Outcome outcome = process.wait();
      CHECK(outcome.status != 0);
      CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(20));
      // Of one that is killed the launcher tells.
      const std::string name = signal == SIGSTOP ? fmt::format("error: rank {} (host ", victim)
                                                 : fmt::format("process rank {} with PID ", victim);
      CHECK_MESSAGE(contains(outcome.err, name), outcome.err);
      for (const pid_t child : children)
        wait_for([&] { return !std::filesystem::exists(fmt::format("/proc/{}", child)); });
    }
  }
  const std::string out = run_on(2, "run_pretrain", joined(flags, {"--epoch_num=1", "--max_steps=1"}));
  CHECK(contains(out, "resuming from "));
}

TEST_CASE("an error of one process ends all, and is told with its rank") {
  if (mpirun().empty()) return;
  const TinyNer tiny;
  const Words training = tiny.training();
  // Each would train a model of its own.
  Words launch = on_processes(2, "run_ner", training);
  std::erase(launch, "--distribute");
  const Outcome alone = Process(launch, "").wait();
  CHECK(alone.status == 2);
  CHECK(contains(alone.err, "add --distribute to train one on all of them"));
  CHECK(!std::filesystem::exists(tiny.path("save")));

  // Without a launcher there is one process, which says so.
  const Outcome one = run_program("run_ner", joined(training, {"--distribute", "--max_steps=1"}));
  CHECK(one.status == 0);
  CHECK(contains(one.err, "no launcher has started this process, it is alone"));
  std::filesystem::remove_all(tiny.path("save"));

  // An error of all is told once.
  Words wrong = on_processes(2, "run_ner", training);
  wrong.emplace_back("--train_batch_size=none");
  const Outcome refused = Process(wrong, "").wait();
  CHECK(refused.status == 2);
  const std::string error = part_from(refused.err, "error: ");
  CHECK(contains(error, "train_batch_size"));
  CHECK(part_from(error.substr(1), "error: ").empty());

  // Other data on one of them.
  Words both = on_processes(1, "run_ner", training);
  const Words second = on_processes(1, "run_ner", joined(training, {"--train_batch_size=5"}));
  both.emplace_back(":");
  both.insert(both.end(), second.begin() + 5, second.end());
  const Outcome different = Process(both, "").wait();
  CHECK(different.status == 2);
  CHECK_MESSAGE(
      contains(different.err, "error: rank 1: the training data or the options differ from those of rank 0"),
      different.err);
}

TEST_CASE("a timeline has the sums beside the backward pass, in a file for each process") {
  if (mpirun().empty()) return;
  const TinyNer tiny;
  run_on(2, "run_ner", tiny.training({"--trace=" + tiny.path("trace.json"), "--epoch_num=1"}));
  for (const int rank : {0, 1}) {
    const Json trace = json_of(file_content(tiny.path(rank == 0 ? "trace.json" : "trace.1.json")));
    std::map<std::string, int> spans;
    for (const Json& event : trace.at("traceEvents").items()) {
      CHECK(event.at("pid").integer() == rank);
      if (event.at("ph").text() == "X") ++spans[event.at("name").text()];
    }
    for (const char* name : {"batches", "forward", "backward", "wait", "update", "all-reduce"}) {
      CAPTURE(name);
      CHECK(spans[name] > 0);
    }
    CHECK(spans["forward"] == spans["backward"]);
  }
}
