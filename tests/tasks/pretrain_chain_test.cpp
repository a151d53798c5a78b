// tasks/pretrain_chain.sh: from text, over records or without, and a pretrained model to fine-tuned ones, and what that bought.
#include <doctest/doctest.h>
#include <fmt/core.h>

#include <algorithm>

#include "core/io/files.h"
#include "tests/json.h"
#include "tests/places.h"
#include "tests/tasks/program.h"
#include "tests/tasks/tiny_pretraining.h"

using namespace gradus;
namespace fs = std::filesystem;

namespace {

Outcome chain(const Words& options) {
  const std::string programs = "GRADUS_PROGRAMS=" + place("GRADUS_PROGRAMS").string();
  return Process(
             joined({"/usr/bin/env", programs, "/bin/sh", source_file("tasks/pretrain_chain.sh").string()},
                    options),
             "")
      .wait();
}

std::string last_lines(const std::string& text, size_t count) {
  size_t at = text.size();
  for (size_t i = 0; i <= count && at != std::string::npos && at > 0; ++i) at = text.rfind('\n', at - 1);
  return at == std::string::npos ? text : text.substr(at + 1);
}

}  // namespace

TEST_CASE(
    "pretrain_chain.sh goes from text to a table of what pretraining bought, and goes on where it was "
    "stopped") {
  const TinyPretraining tiny;
  const std::string sentence =
      "anna B-PER\nlives O\nin O\nalden B-LOC\n. O\n\nboris B-PER\nlikes O\nbrom B-LOC\n. O\n\n";
  const std::string names = tiny.write("na mes.txt", sentence + sentence);
  const std::string classes =
      tiny.write("cola.tsv", "a\t1\t\tanna knows alden .\na\t0\t*\talden anna knows .\n");
  const std::string output = tiny.path("made here"), results = tiny.path("all");
  const Words options{"--text",     tiny.path("train.txt"),
                      "--held_out", tiny.path("train.txt"),
                      "--vocab",    tiny.path("vocab.txt"),
                      "--output",   output,
                      "--steps",    "3",
                      "--ner",      "people",
                      names,        names,
                      "--classify", "cola",
                      classes,      classes,
                      "--results",  results,
                      "--threads",  "1",
                      "--records"};
  const Outcome first = chain(options);
  REQUIRE_MESSAGE(first.status == 0, first.err);
  const std::string table = last_lines(first.out, 5);
  CHECK_MESSAGE(
      table.starts_with("| task | score | scratch | pretrained |\n|---|---|---|---|\n| cola | mcc | "),
      table);
  CHECK(contains(table, "\n| people | span_f1 | "));
  CHECK(table.ends_with("\npicture: " + results + "/curves.svg\n"));
  CHECK(fs::exists(results + "/curves.svg"));
  CHECK(json_of(read_file(output + "/pretraining.json"))["steps"] == 3);
  CHECK(contains(first.out, "new in this model: classifier.weight, classifier.bias"));

  // What is there is kept; the pretraining goes on to its end.
  const std::string before = read_file(results + "/people/scratch.json");
  fs::remove(output + "/fine_tuned/people/pretrained.json");
  const Outcome second = chain(options);
  REQUIRE_MESSAGE(second.status == 0, second.err);
  CHECK(contains(second.out, "nothing is left to train: the run has 3 steps"));
  CHECK(last_lines(second.out, 5) == table);
  CHECK(read_file(results + "/people/scratch.json") == before);

  // What was made with other settings is not passed off as this.
  const auto refused = [&](const std::string& option, const std::string& value) {
    Words others = options;
    *(std::ranges::find(others, option) + 1) = value;
    const Outcome outcome = chain(others);
    CHECK(outcome.status == 2);
    return outcome.err;
  };
  CHECK(contains(refused("--steps", "4"), "/settings' tells that this was begun with '3 steps on "));
  CHECK(contains(refused("--output", tiny.path("other")),
                 "/all/people' is there, of another chain: take another name or --results\n"));
}

TEST_CASE("pretrain_chain.sh ends where a program was stopped, and is no further when called again") {
  const TinyPretraining tiny;
  // A program that says it was stopped ends with 0, and without its metrics.
  const std::string programs = tiny.path("programs");
  fs::create_directory(programs);
  for (const char* program :
       {"generate_pretraining_records", "run_pretrain", "run_ner", "run_classifier", "compare_runs"}) {
    const std::string path = tiny.write(std::string("programs/") + program,
                                        "#!/bin/sh\necho \"$0\" >>" + tiny.path("calls") + "\n");
    fs::permissions(path, fs::perms::owner_all);
  }
  const Outcome outcome = Process({"/usr/bin/env", "GRADUS_PROGRAMS=" + programs, "/bin/sh",
                                   source_file("tasks/pretrain_chain.sh").string(), "--text", "t", "--vocab",
                                   tiny.path("vocab.txt"), "--output", tiny.path("out"), "--ner", "a",
                                   tiny.path("train.txt"), tiny.path("train.txt")},
                                  "")
                              .wait();
  CHECK(outcome.status == 130);
  CHECK(outcome.err == "stopped: the same call goes on\n");
  CHECK(file_content(tiny.path("calls")) == programs + "/run_pretrain\n");
}

TEST_CASE("pretrain_chain.sh says what is missing") {
  const auto error_of = [](const Words& options) {
    const Outcome outcome = chain(options);
    CHECK(outcome.status == 2);
    return outcome.err;
  };
  const std::string hint = " (--help lists what is allowed)\n";
  CHECK(error_of({}) == "error: --text is missing" + hint);
  CHECK(error_of({"--text", "a", "--vocab", "b"}) == "error: --output is missing" + hint);
  CHECK(error_of({"--texts", "a"}) == "error: '--texts': no such option" + hint);
  CHECK(error_of({"--text"}) == "error: --text: expected its value" + hint);
  CHECK(error_of({"--ner", "a", "b"}) ==
        "error: --ner: expected a name, training data and evaluation data" + hint);
  const TemporaryFolder folder;
  const std::string file = folder.write("data.txt", "");
  for (const char* name : {"a/b", "..", "-x", "a b", ""})
    CHECK(error_of({"--ner", name, file, file}) ==
          fmt::format("error: --ner '{}': expected a name without blanks and '/'{}", name, hint));
  CHECK(error_of({"--ner", "a", file, file, "--classify", "a", file, file}) ==
        "error: --classify 'a': there is a task of that name already" + hint);
  CHECK(error_of({"--ner", "a", file, "none"}) == "error: --ner: cannot read 'none'\n");
  for (const char* number : {"abc", "08", "-1", "1e3", ""})
    CHECK(error_of({"--steps", number}) ==
          fmt::format("error: --steps '{}': expected a whole number{}", number, hint));
  const Outcome help = chain({"--help"});
  CHECK(help.status == 0);
  CHECK(help.out.starts_with("usage: sh tasks/pretrain_chain.sh --text FILES"));
  // A program that fails ends the chain.
  const Outcome none = chain({"--text", (folder.path() / "none").string(), "--vocab", file, "--output",
                              (folder.path() / "out").string()});
  CHECK(none.status == 2);
  CHECK(contains(none.err, "error: "));
}
