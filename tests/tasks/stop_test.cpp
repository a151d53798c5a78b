// Trainings that are asked to stop by a signal.
#include <doctest/doctest.h>
#include <fmt/core.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "tasks/training/stop_request.h"
#include "tests/tasks/tiny_classifier.h"
#include "tests/tasks/tiny_ner.h"
#include "tests/tasks/tiny_pretraining.h"
#include "tests/tasks/tiny_squad.h"

using namespace gradus;

namespace {

void wait_a_little() { std::this_thread::sleep_for(std::chrono::milliseconds(1)); }

// A training of a million steps, which writes its curves from the first on.
Words endless(const Words& training, const TinyTask& tiny, const std::string& save) {
  Words flags = training;
  for (const std::string& flag :
       {std::string("--max_steps=1000000"), std::string("--dropout=0.1"), std::string("--eval_steps=1000000"),
        std::string("--save_checkpoint_steps=1000000"), "--log_dir=" + tiny.path("events"),
        "--save_finetune_checkpoint_path=" + tiny.path(save)})
    flags.push_back(flag);
  return flags;
}

// Starts it and waits until it has made a few steps.
void wait_for_steps(Process& process, const TinyTask& tiny) {
  const auto has_steps = [&] {
    if (!std::filesystem::is_directory(tiny.path("events"))) return false;
    for (const auto& entry : std::filesystem::directory_iterator(tiny.path("events")))
      if (entry.file_size() > 1000) return true;
    return false;
  };
  while (process.is_running() && !has_steps()) wait_a_little();
}

// Stops a training by a signal, and goes on to where one that is not stopped comes to.
void check_stop(const std::string& program, const TinyTask& tiny, const Words& training, int signal,
                const std::string& name) {
  CAPTURE(program);
  Process process(command_of(program, endless(training, tiny, "stopped")), "");
  wait_for_steps(process, tiny);
  process.send(signal);
  const Outcome outcome = process.wait();
  CHECK(outcome.status == 0);
  const std::string line = part_from(outcome.out, "stopped by " + name + " after step ");
  REQUIRE_MESSAGE(!line.empty(), outcome.out, outcome.err);
  const int step = std::stoi(line.substr(line.find("step ") + 5));
  const std::string checkpoint = fmt::format("stopped/checkpoint-{}", step);
  CHECK(line ==
        fmt::format("stopped by {} after step {} of 1000000: {} is saved, --resume goes on from there\n",
                    name, step, tiny.path(checkpoint)));
  REQUIRE(std::filesystem::exists(tiny.path(checkpoint)));

  const auto go_on = [&](const std::string& save, const std::string& resume) {
    Words flags = endless(training, tiny, save);
    flags.push_back(fmt::format("--save_checkpoint_steps={}", step + 3));
    flags.insert(flags.end(), {"--resume", resume});
    Process other(command_of(program, flags), "");
    while (other.is_running() &&
           !std::filesystem::exists(tiny.path(fmt::format("{}/checkpoint-{}", save, step + 3))))
      wait_a_little();
    other.send(SIGKILL);
    other.wait();
    return file_content(tiny.path(fmt::format("{}/checkpoint-{}/model.safetensors", save, step + 3)));
  };
  const std::string resumed = go_on("stopped", "auto");
  CHECK(resumed == go_on("whole", "auto"));  // where there is nothing to go on from it begins
}

}  // namespace

TEST_CASE("a signal is handled on a stack of its own, and all is as before at the end") {
  const auto stack_now = [] {
    stack_t stack{};
    ::sigaltstack(nullptr, &stack);
    return stack;
  };
  const stack_t before = stack_now();
  {
    const StopRequest stop;
    for (const int signal : {SIGTERM, SIGINT, SIGUSR1}) {
      struct sigaction action {};
      ::sigaction(signal, nullptr, &action);
      CHECK((action.sa_flags & SA_ONSTACK) != 0);
    }
    CHECK((stack_now().ss_flags & SS_DISABLE) == 0);
    CHECK(stack_now().ss_size >= 1 << 16);
    CHECK(stop.signal().empty());
    // SIGUSR1 is no second signal, before another or behind it.
    std::raise(SIGUSR1);
    CHECK(stop.signal() == "SIGUSR1");
    std::raise(SIGUSR1);
    std::raise(SIGTERM);
    CHECK(stop.signal() == "SIGTERM");
    std::raise(SIGUSR1);
    CHECK(stop.signal() == "SIGTERM");
  }
  CHECK(stack_now().ss_sp == before.ss_sp);
  CHECK(stack_now().ss_flags == before.ss_flags);
}

TEST_CASE("a training that gets SIGTERM or SIGINT ends its step, saves and exits with 0") {
  {
    const TinyNer tiny;
    check_stop("run_ner", tiny, tiny.training(), SIGTERM, "SIGTERM");
  }
  {
    const TinyClassifier tiny;
    check_stop("run_classifier", tiny, tiny.training(), SIGINT, "SIGINT");
  }
  {
    const TinySquad tiny;
    check_stop("run_squad", tiny, tiny.training({"--max_query_length=8"}), SIGTERM, "SIGTERM");
  }
  {
    const TinyPretraining tiny;
    check_stop("run_pretrain", tiny, tiny.training_on("train.mindrecord"), SIGINT, "SIGINT");
  }
}

TEST_CASE(
    "the second signal ends a training at once, and a training without a folder says that nothing is saved") {
  const TinyNer tiny;
  {
    // Both are there when it wakes up, in the middle of a step or not.
    Process process(command_of("run_ner", endless(tiny.training(), tiny, "save")), "");
    wait_for_steps(process, tiny);
    for (const int signal : {SIGSTOP, SIGTERM, SIGINT, SIGCONT}) process.send(signal);
    const Outcome outcome = process.wait();
    CHECK_MESSAGE((outcome.status == 128 + SIGTERM || outcome.status == 128 + SIGINT), outcome.status,
                  outcome.out);
  }
  std::filesystem::remove_all(tiny.path("events"));
  Words flags = endless(tiny.training(), tiny, "save");
  flags.emplace_back("--save_finetune_checkpoint_path=");
  Process unsaved(command_of("run_ner", flags), "");
  wait_for_steps(unsaved, tiny);
  unsaved.send(SIGTERM);
  const Outcome outcome = unsaved.wait();
  CHECK(outcome.status == 0);
  CHECK(part_from(outcome.out, "stopped by SIGTERM").ends_with(" of 1000000: nothing is saved\n"));
}

TEST_CASE(
    "a training that is killed again and again comes to the same weights, and every checkpoint it leaves is "
    "whole") {
  const TinyPretraining tiny;
  const auto training = [&](const std::string& save) {
    return tiny.training_on("train.mindrecord",
                            {"--dropout=0.1", "--epoch_num=1000", "--max_steps=60",
                             "--save_checkpoint_steps=1", "--keep_checkpoints=2", "--eval_steps=10",
                             "--resume=auto", "--save_finetune_checkpoint_path=" + tiny.path(save)});
  };
  const Outcome whole = run_program("run_pretrain", training("whole"));
  REQUIRE_MESSAGE(whole.status == 0, whole.err);

  // The moments of the kills lie all over a start, a step, a save and an evaluation.
  int kills = 0;
  bool is_done = false;
  for (int run = 0; run < 500 && !is_done; ++run) {
    Process process(command_of("run_pretrain", training("killed")), "");
    const int milliseconds = kills < 40 ? 20 + (run * 37) % 150 : 60000;
    for (int waited = 0; waited < milliseconds && process.is_running(); ++waited) wait_a_little();
    is_done = !process.is_running();
    if (!is_done) {
      process.kill();
      ++kills;
    }
    const Outcome outcome = process.wait();
    if (is_done) REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
  }
  CHECK(is_done);
  CHECK(kills > 5);
  for (const char* file : {"model.safetensors", "optimizer.safetensors"}) {
    CAPTURE(file);
    CHECK(file_content(tiny.path(fmt::format("killed/checkpoint-60/{}", file))) ==
          file_content(tiny.path(fmt::format("whole/checkpoint-60/{}", file))));
  }
  CHECK(unfinished_files(tiny.path("killed")).empty());
}
