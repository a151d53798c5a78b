// Standard streams that can't be written to: a log line is dropped, a result is an error, nothing is aborted.
#include "tasks/log/log.h"

#include <doctest/doctest.h>

#include "core/error.h"
#include "tests/tasks/tiny_ner.h"

using namespace gradus;
namespace fs = std::filesystem;

namespace {

bool has_full_device() {
  const bool there = fs::is_character_file("/dev/full");
  if (!there) MESSAGE("skipped: no /dev/full");
  return there;
}

}  // namespace

TEST_CASE("log: a line that can't be written is dropped, and leaves no mark on the stream") {
  if (!has_full_device()) return;
  std::FILE* full = std::fopen("/dev/full", "w");
  REQUIRE(full != nullptr);
  print_log(full, "{} of {}\n", 1, 2);
  CHECK(std::ferror(full) == 0);
  // What waited there before is not the log's to drop.
  std::fputs("a result", full);
  print_log(full, "a line\n");
  CHECK(std::ferror(full) != 0);
  std::fputs("another", full);
  CHECK_THROWS_WITH_AS(flush_predictions(full), "cannot write the predictions: No space left on device",
                       Error);
  std::fclose(full);
}

TEST_CASE("log: lines come in the order they were written in") {
  const TemporaryFolder folder;
  const std::string path = folder.write("log", "");
  std::FILE* file = std::fopen(path.c_str(), "w");
  std::fputs("one ", file);
  print_log(file, "{} ", "two");
  CHECK(file_content(path) == "one two ");
  std::fputs("three", file);
  std::fclose(file);
  CHECK(file_content(path) == "one two three");
}

TEST_CASE("a training run ends as it would when its log can't be written") {
  const TinyNer tiny;
  const Words flags = tiny.training(
      {"--log_steps=1", "--save_checkpoint_steps=1", "--keep_checkpoints=9", "--early_stopping_patience=1"});
  tiny.print(flags);
  // The reader of the last one has gone before the first line comes.
  for (const std::string redirection :
       {"2>/dev/full", ">/dev/full 2>/dev/full", "2>&-", ">&- 2>&-", "<&- >&- 2>&-", "2>&1 | true"}) {
    if (redirection.find("full") != std::string::npos && !has_full_device()) continue;
    CAPTURE(redirection);
    fs::rename(tiny.path("save"), tiny.path("before"));
    fs::remove(tiny.path("metrics.json"));
    CHECK(run_in_shell(command_of("run_ner", flags), redirection).status == 0);
    CHECK(fs::exists(tiny.path("metrics.json")));
    // Among them are those whose number a closed stream would have had.
    for (const auto& entry : fs::recursive_directory_iterator(tiny.path("before"))) {
      if (!entry.is_regular_file() || entry.path().filename() == "trainer_state.json") continue;
      const fs::path name = entry.path().lexically_relative(tiny.path("before"));
      CAPTURE(name.string());
      CHECK(file_content(entry.path()) == file_content(fs::path(tiny.path("save")) / name));
    }
    fs::remove_all(tiny.path("before"));
  }
}

TEST_CASE("results that can't be written are an error, after all else was written") {
  if (!has_full_device()) return;
  const TinyNer tiny;
  const std::string reason = "error: cannot write to standard output: No space left on device\n";
  tiny.print(tiny.training());
  const std::string best = tiny.path("save/best");
  for (const std::string json : {"--json=false", "--json=true"}) {
    for (const char* name : {"metrics.json", "page.html"}) fs::remove(tiny.path(name));
    const Words scoring = tiny.scoring(best, {"--report=" + tiny.path("page.html"), json});
    const Outcome full = run_in_shell(command_of("run_ner", scoring), ">/dev/full");
    CHECK(full.status == 2);
    CHECK(full.err.ends_with(reason));
    CHECK(tiny.score("span_f1") >= 0);
    CHECK(fs::exists(tiny.path("page.html")));
  }
  const Outcome closed = run_in_shell(command_of("run_ner", tiny.scoring(best)), ">&-");
  CHECK(closed.status == 2);
  CHECK(closed.err == "error: cannot write to standard output: Bad file descriptor\n");

  tiny.write("text.txt", "Anna lives in Alden .\n");
  const Words predicting = tiny.predicting(best, {"--predict_data_file_path=" + tiny.path("text.txt")});
  const Outcome lost = run_in_shell(command_of("run_ner", predicting), ">/dev/full");
  CHECK(lost.status == 2);
  CHECK(lost.err == "error: cannot write the predictions: No space left on device\n");
}

TEST_CASE("no program is aborted when its messages or results can't be written") {
  if (!has_full_device()) return;
  for (const std::string program :
       {"run_ner", "run_classifier", "run_squad", "generate_ner_records", "generate_classifier_records",
        "generate_squad_records", "generate_pretraining_records", "parallel_tfrecord_to_mindrecord",
        "vis_tfrecord_or_mindrecord", "inspect_checkpoint", "convert_checkpoint", "conlleval",
        "get_distribute_pretrain_cmd"}) {
    CAPTURE(program);
    for (const std::string stream : {"2>/dev/full", "2>&-", "2>/dev/full >&-"})
      CHECK(run_in_shell(command_of(program, {"--no_such_option"}), stream).status == 2);
    CHECK(run_in_shell(command_of(program, {"--help"}), ">/dev/full").status == 2);
    CHECK(run_in_shell(command_of(program, {"--help"}), ">&-").status == 2);
    const Outcome help = run_in_shell(command_of(program, {"--help"}), "2>&-");
    CHECK(help.status == 0);
    CHECK(help.out.size() > 100);
  }
}
