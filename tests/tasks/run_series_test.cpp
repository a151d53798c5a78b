// Several runs of a program: --seeds, and a folder of settings.
#include <doctest/doctest.h>
#include <fmt/core.h>

#include <chrono>
#include <cmath>
#include <csignal>
#include <thread>

#include "tasks/report/run_record.h"
#include "tests/json.h"
#include "tests/tasks/page.h"
#include "tests/tasks/tiny_classifier.h"
#include "tests/tasks/tiny_ner.h"

using namespace gradus;

namespace {

// The lines of the table of scores, each as its words.
std::vector<Words> table_in(const std::string& out) {
  std::vector<Words> rows;
  for (const std::string& line : lines_of(part_from(out, "\nrun  ").substr(1))) {
    if (line.starts_with("deviation:")) break;
    Words row{""};
    for (const char c : line) {
      if (c != ' ') row.back() += c;
      else if (!row.back().empty()) row.emplace_back();
    }
    rows.push_back(row);
  }
  return rows;
}

// Whether a training has written the curves of a few steps.
bool has_steps(const std::string& events) {
  if (!std::filesystem::is_directory(events)) return false;
  for (const auto& entry : std::filesystem::directory_iterator(events))
    if (entry.file_size() > 1000) return true;
  return false;
}

}  // namespace

TEST_CASE("mean and sample standard deviation") {
  CHECK(!mean_of({}));
  CHECK(*mean_of({3}) == 3);
  CHECK(!deviation_of({3}));
  CHECK(*mean_of({1, 2, 6}) == 3);
  CHECK(*deviation_of({1, 2, 6}) == doctest::Approx(std::sqrt(7.0)));
}

TEST_CASE("--seeds: a run for each, the same as alone, and their mean and deviation") {
  const TinyNer tiny;
  const std::string out =
      tiny.print(tiny.training({"--do_eval", "--seeds=1,7", "--dropout=0.1", "--learning_rate=1e-4"}));
  CHECK(contains(out, "run 1 of 2: seed-1\n"));
  CHECK(contains(out, "run 2 of 2: seed-7\n"));
  const std::vector<Words> table = table_in(out);
  REQUIRE_MESSAGE(table.size() == 5, out);
  CHECK(table[0][0] == "run");
  CHECK(table[0].back() == "train_loss");
  CHECK(table[1][0] == "seed-1");
  CHECK(table[2][0] == "seed-7");
  CHECK(table[3][0] == "mean");
  CHECK(table[4][0] == "deviation");

  const double a = json_of(file_content(tiny.path("save/seed-1/metrics.json"))).at("train_loss").number();
  const double b = json_of(file_content(tiny.path("save/seed-7/metrics.json"))).at("train_loss").number();
  CHECK(a != b);
  const Json all = json_of(file_content(tiny.path("metrics.json")));
  CHECK(all.at("train_loss").number() == doctest::Approx((a + b) / 2));
  CHECK(all.at("deviation").at("train_loss").number() == doctest::Approx(std::abs(a - b) / std::sqrt(2.0)));
  CHECK(all.at("settings").at("seed").text() == "1,7");
  CHECK(all.at("runs").size() == 2);
  CHECK(all.at("evaluations").size() == 2);
  CHECK(table[3].back() == fmt::format("{:.4f}", (a + b) / 2));

  const Page page(file_content(tiny.path("save/report.html")));
  CHECK(!page.refers_to_others());
  CHECK(page.text("//h1") == "run_ner: seeds 1,7");
  CHECK(page.texts("//section[h2='Scores']//tbody/tr/td[1]") ==
        Texts{"seed-1", "seed-7", "mean", "deviation"});
  CHECK(page.texts("//section[h2='Settings that differ']//thead/tr/th") == Texts{"run", "seed"});
  CHECK(Page(file_content(tiny.path("save/seed-7/report.html"))).count("//h1") == 1);

  // A run of its own with that seed has the same bits.
  tiny.print(tiny.training({"--do_eval", "--seed=7", "--dropout=0.1", "--learning_rate=1e-4",
                            "--save_finetune_checkpoint_path=" + tiny.path("alone")}));
  CHECK(tiny.train_loss() == b);
}

TEST_CASE("a series is not begun over an earlier one; --resume leaves what is done and runs what is not") {
  const TinyClassifier tiny;
  const Words flags = tiny.training({"--do_eval", "--seeds=1,2", "--max_steps=2"});
  tiny.print(flags);
  tiny.refuse(flags, "save/seed-1' holds an earlier run: --resume goes on with the series");
  std::filesystem::remove_all(tiny.path("save/seed-2"));
  const auto first_saved = std::filesystem::last_write_time(tiny.path("save/seed-1/metrics.json"));
  const std::string resumed = tiny.print(joined(flags, {"--resume"}));
  CHECK(contains(resumed, "run 1 of 2: seed-1, which is done\n"));
  CHECK(contains(resumed, "run 2 of 2: seed-2\n"));
  CHECK(std::filesystem::exists(tiny.path("save/seed-2/metrics.json")));
  CHECK(std::filesystem::last_write_time(tiny.path("save/seed-1/metrics.json")) == first_saved);
  // Another command is another run: it goes on from the checkpoint.
  const std::string longer = tiny.print(joined(flags, {"--resume", "auto", "--max_steps=3"}));
  CHECK(contains(longer, "run 1 of 2: seed-1\n"));
  CHECK(contains(longer, "at step 2\n"));
  CHECK(contains(tiny.print(joined(flags, {"--overwrite_output_dir"})), "run 1 of 2: seed-1\n"));
}

TEST_CASE("a series on standard output as JSON: a line for each run, then mean and deviation") {
  const TinyClassifier tiny;
  const Outcome outcome =
      tiny.run(tiny.training({"--do_eval", "--seeds=3,4", "--max_steps=1", "--json",
                              "--log_dir=" + tiny.path("logs"), "--report=" + tiny.path("page.html")}));
  REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
  const std::vector<std::string> lines = lines_of(outcome.out);
  REQUIRE_MESSAGE(lines.size() == 3, outcome.out);
  CHECK(json_of(lines[0]).at("run").text() == "seed-3");
  const Json last = json_of(lines[2]);
  CHECK(last.at("runs").integer() == 2);
  const double mean =
      (json_of(lines[0]).at("accuracy").number() + json_of(lines[1]).at("accuracy").number()) / 2;
  CHECK(last.at("mean").at("accuracy").number() == doctest::Approx(mean));
  CHECK(std::filesystem::is_directory(tiny.path("logs/seed-4")));
  CHECK(std::filesystem::exists(tiny.path("page.html")));
  CHECK(std::filesystem::exists(tiny.path("save/seed-3/eval_results.txt")));
}

TEST_CASE("what does not fit a series is refused before any run") {
  const TinyNer tiny;
  const auto refused = [&](const Words& more, const std::string& text) {
    tiny.refuse(tiny.training(more), text);
    CHECK(!std::filesystem::exists(tiny.path("save/seed-1")));
  };
  refused({"--seeds=1,x"}, "--seeds 1,x: found 'x', expected whole numbers, at least 0, with commas between");
  refused({"--seeds=1,-2"}, "found '-2'");
  refused({"--seeds=1,1"}, "--seeds 1,1: 1 is there twice");
  refused({"--seeds=1,2", "--seed=3"}, "--seeds 1,2 and --seed 3: give one of them");
  refused({"--seeds=1", "--do_predict"}, "predict with one of its models, in a run of its own");
  refused({"--seeds=1", "--trace=t.json"}, "--trace is for single runs");
  refused({"--seeds=1", "--save_finetune_checkpoint_path="}, "give --save_finetune_checkpoint_path");
  tiny.refuse(tiny.scoring(tiny.path("x"), {"--seeds=1"}), "--seeds 1: each is a training: add --do_train");
}

TEST_CASE("a folder of settings: a run for each file, a failed one is told and the others go on") {
  const TinyNer tiny;
  std::filesystem::create_directory(tiny.path("settings"));
  tiny.write("settings/slow.yaml", "learning_rate: 1.0e-4\n");
  tiny.write("settings/bad.yml", "learning_rate: fast\n");
  tiny.write("settings/fast.yaml", "learning_rate: 5.0e-3\n");
  tiny.write("settings/notes.txt", "nothing\n");
  Words flags = tiny.training({"--do_eval", "--max_steps=2", "--config_path=" + tiny.path("settings")});
  std::erase_if(flags, [](const std::string& flag) { return flag.starts_with("--learning_rate"); });
  const Outcome outcome = tiny.run(flags);
  CHECK(outcome.status == 2);
  CHECK(contains(outcome.err, "settings/bad.yml:1: "));
  CHECK(outcome.err.ends_with("error: 1 of 3 runs failed: bad; --resume runs what is not done\n"));
  CHECK(contains(outcome.out, "run 1 of 3: bad\n"));
  CHECK(contains(outcome.out, "warning: run bad failed, exit status 2: the others go on\n"));
  CHECK(contains(outcome.out, "run 3 of 3: slow\n"));
  const Page page(file_content(tiny.path("save/report.html")));
  CHECK(page.texts("//section[h2='Scores']//tbody/tr/td[1]") == Texts{"fast", "slow"});
  CHECK(page.texts("//section[h2='Settings that differ']//tr/*") ==
        Texts{"run", "learning_rate", "fast", "0.005", "slow", "0.0001"});
  CHECK(page.texts("//ul[@class='notes']/li") == Texts{"Not on this page, because they failed: bad."});

  tiny.write("settings/bad.yml", "learning_rate: 1.0e-3\n");
  const std::string mended = tiny.print(joined(flags, {"--resume"}));
  CHECK(contains(mended, "run 1 of 3: bad\n"));
  CHECK(contains(mended, "run 2 of 3: fast, which is done\n"));

  tiny.write("settings/slow.yml", "");
  tiny.refuse(joined(flags, {"--resume"}), "would be one run: give one of them another name");
  std::filesystem::remove_all(tiny.path("settings"));
  std::filesystem::create_directory(tiny.path("settings"));
  tiny.refuse(flags, "expected a YAML file, or a folder with files NAME.yaml or NAME.yml");
}

TEST_CASE("a series knows options by all of their names") {
  const TinyNer tiny;
  std::filesystem::create_directory(tiny.path("settings"));
  tiny.write("settings/slow.yaml", "learning_rate: 1.0e-4\n");
  Words flags = tiny.training({"--max_steps=1", "--eval_data_file_path="});
  tiny.print(joined(flags, {"--config_path=" + tiny.path("settings"), "--logging_dir", tiny.path("events")}));
  CHECK(names_in(tiny.path("events")) == Words{"slow"});
  tiny.print(joined(flags, {"--seeds=3,4", "--logging_dir=" + tiny.path("curves"),
                            "--save_finetune_checkpoint_path=" + tiny.path("seeds")}));
  CHECK(names_in(tiny.path("curves")) == Words{"seed-3", "seed-4"});
  // A mistyped option is told once, before any run.
  tiny.refuse(joined(flags, {"--config_path=" + tiny.path("settings"), "--epoch_nums=2"}),
              "unknown option '--epoch_nums=2': did you mean --epoch_num?");
}

TEST_CASE("seeds of each of several settings: the page has their deviations") {
  const TinyClassifier tiny;
  std::filesystem::create_directory(tiny.path("settings"));
  tiny.write("settings/a.yaml", "train_batch_size: 2\n");
  tiny.write("settings/b.yaml", "train_batch_size: 3\n");
  Words flags =
      tiny.training({"--do_eval", "--max_steps=1", "--seeds=1,2", "--config_path=" + tiny.path("settings")});
  std::erase_if(flags, [](const std::string& flag) { return flag.starts_with("--train_batch_size"); });
  const std::string out = tiny.print(flags);
  CHECK(std::filesystem::exists(tiny.path("save/b/seed-2/metrics.json")));
  const Page page(file_content(tiny.path("save/report.html")));
  const Texts cells = page.texts("//section[h2='Scores']//tbody/tr/td[3]");
  REQUIRE(cells.size() == 2);
  CHECK(contains(cells[0], " ± "));
}

TEST_CASE("a signal ends the run in progress and the series, and --resume goes on") {
  const TinyNer tiny;
  const Words flags = tiny.training({"--seeds=1,2", "--max_steps=1000000", "--eval_steps=1000000",
                                     "--log_steps=1", "--save_checkpoint_steps=1000000",
                                     "--eval_data_file_path=", "--log_dir=" + tiny.path("events")});
  for (const int signal : {SIGTERM, SIGINT}) {
    Process process(command_of("run_ner", joined(flags, {"--overwrite_output_dir"})), "");
    while (process.is_running() && !has_steps(tiny.path("events/seed-1")))
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    process.send(signal);
    const Outcome outcome = process.wait();
    CHECK_MESSAGE(outcome.status == 0, outcome.err);
    CHECK_MESSAGE(contains(outcome.out, "stopped by SIGUSR1 after step "), outcome.out);
    CHECK(outcome.out.ends_with(
        fmt::format("series stopped by {}, 0 of 2 runs done: --resume goes on from there\n",
                    signal == SIGTERM ? "SIGTERM" : "SIGINT")));
    CHECK(!std::filesystem::exists(tiny.path("save/seed-2")));
    std::filesystem::remove_all(tiny.path("events"));
  }
}
