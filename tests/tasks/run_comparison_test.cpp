// Runs beside each other: compare_runs and what it is made of.
#include "tasks/report/run_comparison.h"

#include <doctest/doctest.h>
#include <fmt/core.h>

#include "core/error.h"
#include "core/io/files.h"
#include "tasks/report/svg_picture.h"
#include "tests/tasks/page.h"
#include "tests/tasks/program.h"

using namespace gradus;

namespace {

std::string metrics(const std::string& more) {
  return R"({"steps": 20, "seconds": 1.5, "peak_rss_bytes": 1)" + more + "}";
}

// Two tasks, one of which a run is missing of and whose other never scored while it trained.
void write_results(const TemporaryFolder& folder) {
  for (const char* task : {"names", "topics", "other"})
    std::filesystem::create_directory(folder.path() / task);
  folder.write("names/scratch.json",
               metrics(R"(, "span_f1": 61.5, "evaluations": [{"step": 10, "span_f1": 40.25, "accuracy": 90},
                                                {"step": 20, "span_f1": 61.5, "accuracy": null}])"));
  folder.write(
      "names/pretrained.json",
      metrics(
          R"(, "span_f1": 70.75, "evaluations": [{"step": 10, "span_f1": 65}, {"step": 20, "span_f1": 70.75}])"));
  folder.write("topics/pretrained.json", metrics(R"(, "span_f1": 50, "accuracy": 55.5)"));
  folder.write("names/notes.txt", "nothing");
  folder.write("other/notes.txt", "no task");
}

size_t count_of(const std::string& part, const std::string& text) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

}  // namespace

TEST_CASE("compare_runs: a table of the last scores, and a picture of how they grew") {
  const TemporaryFolder folder;
  write_results(folder);
  const std::string picture = (folder.path() / "curves.svg").string();
  Outcome outcome = run_program(
      "compare_runs", {"--folder", folder.path().string(), "--score", "span_f1", "--picture", picture});
  CHECK(outcome.err == "");
  CHECK(outcome.out ==
        "| task | score | pretrained | scratch |\n|---|---|---|---|\n"
        "| names | span_f1 | 70.75 | 61.50 (-9.25) |\n| topics | span_f1 | 50.00 | |\n");
  const std::string svg = read_file(picture);
  CHECK(svg.starts_with("<svg "));
  CHECK(svg.ends_with("</svg>\n"));
  CHECK(count_of("<circle", svg) == 4);
  CHECK(count_of("<g ", svg) == 1);  // the other task has no history
  CHECK(count_of(">names: span_f1</text>", svg) == 1);

  // The order says what is compared with what.
  std::filesystem::remove_all(folder.path() / "topics");
  outcome = run_program("compare_runs", {"--folder", folder.path().string(), "--runs", "scratch,pretrained"});
  CHECK(outcome.out ==
        "| task | score | scratch | pretrained |\n|---|---|---|---|\n| names | span_f1 | 61.50 | 70.75 "
        "(+9.25) |\n");
}

TEST_CASE("compare_runs: what is wrong is told with its file") {
  const TemporaryFolder folder;
  const std::string path = folder.path().string();
  const auto error_of = [&](const Words& flags) {
    const Outcome outcome = run_program("compare_runs", flags);
    CHECK(outcome.status == 2);
    return outcome.err;
  };
  CHECK(error_of({}) ==
        "error: --folder is missing: a folder with a folder for each task; or name runs, and --output\n");
  CHECK(error_of({"--folder", path + "/none"}) == "error: '" + path + "/none' is no folder\n");
  CHECK(error_of({"--folder", path}) ==
        "error: '" + path + "' holds no folder with metrics files: expected " + path + "/TASK/RUN.json\n");
  std::filesystem::create_directory(folder.path() / "topics");
  folder.write("topics/a.json", metrics(R"(, "accuracy": 55.5)"));
  CHECK(error_of({"--folder", path}) ==
        "error: '" + path +
            "/topics/a.json' holds no evaluations of a training run: name the number to compare "
            "with --score\n");
  CHECK(error_of({"--folder", path, "--score", "f1"}) ==
        "error: " + path + "/topics/a.json: 'f1' is missing\n");
  CHECK(error_of({"--folder", path, "--score", "accuracy", "--picture", path + "/p.svg"}) ==
        "error: --picture " + path + "/p.svg: no run in '" + path + "' was scored while it trained\n");
  CHECK(error_of({"--folder", path, "--runs", "a,b", "--score", "accuracy"}) ==
        "error: no folder in '" + path + "' holds a file 'b.json'\n");
  CHECK(error_of({"--folder", path, "--runs", "a,,b"}) == "error: --runs 'a,,b': a name is empty\n");
  CHECK(error_of({"--folder", path, "--runs", "a, a"}) == "error: --runs 'a, a': 'a' is there twice\n");
  folder.write("topics/a.json", "{\"accuracy\": 1}");
  CHECK(error_of({"--folder", path, "--runs", "a"}) ==
        "error: '" + path +
            "/topics/a.json' is no file of --metrics_file: 'steps' and 'peak_rss_bytes' are missing\n");
}

TEST_CASE(
    "compare_runs: what a task lacks is an empty cell, what it couldn't score is n/a, and other files are no "
    "matter") {
  const TemporaryFolder folder;
  for (const char* task : {"x", "y|z", "notes"}) std::filesystem::create_directory(folder.path() / task);
  folder.write("x/b.json", metrics(R"(, "f1": 3)"));
  folder.write("x/c.json", metrics(R"(, "f1": null)"));
  folder.write("y|z/a.json", metrics(R"(, "f1": 2)"));
  folder.write("y|z/b.json", metrics(R"(, "f1": 5)"));
  folder.write("y|z/notes.json", "[1, 2]");
  folder.write("notes/a.txt", "");
  const auto table_of = [&](const Words& more) {
    const Outcome outcome =
        run_program("compare_runs", joined({"--folder", folder.path().string(), "--score", "f1"}, more));
    CHECK(outcome.err == "");
    return outcome.out;
  };
  CHECK(table_of({}) ==
        "| task | score | a | b | c |\n|---|---|---|---|---|\n| x | f1 | | 3.00 | n/a |\n| y\\|z | f1 | 2.00 "
        "| 5.00 (+3.00) | |\n");
  CHECK(table_of({"--runs", "b, a"}) ==
        "| task | score | b | a |\n|---|---|---|---|\n| x | f1 | 3.00 | |\n| y\\|z | f1 | 5.00 | 2.00 "
        "(-3.00) |\n");
}

TEST_CASE("a picture of charts: a series has its colour in all, and what can't be drawn is left out") {
  const ChartSeries one{"one", {{0, 1}, {10, 2}}},
      two{"two & more", {{0, 3}, {5, std::numeric_limits<double>::quiet_NaN()}}};
  CHECK(svg_picture({}) == "");
  CHECK(svg_picture({{"empty", "step", {{"none", {}}}}}) == "");
  const std::string svg = svg_picture(
      {{"a", "step", {one, two}}, {"b", "step", {two}}, {"c", "step", {one}}, {"d", "step", {one}}});
  CHECK(count_of("<g ", svg) == 4);
  CHECK(svg.find("translate(0 280)") != std::string::npos);  // the fourth begins a row
  CHECK(count_of("stroke=\"#1f5fa8\"", svg) == 4);           // its legend and three curves
  CHECK(count_of("two &amp; more", svg) == 3);               // its legend and the titles of two dots
  CHECK(svg.find("nan") == std::string::npos);
}

TEST_CASE("compare_runs: runs that are named make a page of scores, settings that differ and curves") {
  const TemporaryFolder folder;
  const auto write = [&](const char* name, const char* rate, double f1, const char* more) {
    std::filesystem::create_directories((folder.path() / name).parent_path());
    folder.write(
        name,
        fmt::format(R"({{"program": "run_ner", "version": "1", "date": "2026-05-31T09:30:00Z", "model": "m",
      "steps": 20, "peak_rss_bytes": 1, "span_f1": {}, "best_span_f1": 80, "train_loss": 0.5, "seconds": 3,
      "evaluations": [{{"step": 10, "span_f1": 40}}, {{"step": 20, "span_f1": {}}}],
      "training_loss": {{"steps_per_point": 10, "points": [1.5, null]}},
      "settings": {{"learning_rate": "{}", "report": "{}", "epoch_num": "3"}}{}}})",
                    f1, f1, rate, name, more));
  };
  write("a/metrics.json", "0.1", 61.5, "");
  write("b.json", "0.2", 70.75, R"(, "deviation": {"span_f1": 1.25})");
  folder.write(
      "trainer_state.json",
      R"({"step": 7, "seed": 4, "batch_size": 2, "recent_losses": [1, 2], "best_scores": {"span_f1": 9}, "best_step": 7,
      "settings": {"learning_rate": "0.1"}, "history": {"losses": [1.5, 1.5], "steps_per_loss": 3,
      "evaluations": [{"step": 7, "scores": {"span_f1": 9}}]}})");
  const auto path = [&](const char* name) { return (folder.path() / name).string(); };
  const Outcome outcome = run_program(
      "compare_runs", {path("a"), path("b.json"), "--output", path("page.html"), path("trainer_state.json")});
  REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
  CHECK(outcome.out == "report: " + path("page.html") + "\n");
  const Page page(read_file(path("page.html")));
  const std::string own = folder.path().filename().string();
  CHECK(!page.refers_to_others());
  CHECK(page.text("//h1") == "3 runs compared");
  CHECK(page.texts("//h2") == Texts{"Scores", "Settings that differ", "span_f1", "Training loss"});
  CHECK(page.texts("//section[h2='Scores']//tr/*") ==
        Texts{"run", "steps", "span_f1",      "best_span_f1", "loss at the end",  //
              "a",   "20",    "61.50",        "80.00",        "0.5000",           //
              "b",   "20",    "70.75 ± 1.25", "80.00",        "0.5000",           //
              own,   "7",     "9.00",         "9.00",         "1.5000"});
  CHECK(page.texts("//section[h2='Settings that differ']//thead//th") ==
        Texts{"run", "epoch_num", "learning_rate", "model", "program", "seed", "train_batch_size"});
  CHECK(page.texts("//section[h2='Settings that differ']//td[3]") == Texts{"0.1", "0.2", "0.1"});
  CHECK(page.texts("//section[h2='span_f1']//li") == Texts{"a", "b", own});

  const auto error_of = [&](const Words& words) {
    const Outcome refused = run_program("compare_runs", words);
    CHECK(refused.status == 2);
    return refused.err;
  };
  CHECK(error_of({path("a")}) == "error: --output is missing: the HTML page to write\n");
  CHECK(error_of({"--output=" + path("p.html")}) ==
        "error: --output " + path("p.html") + ": which runs? Name their files or folders\n");
  CHECK(error_of({path("b.json"), path("b.json"), "--output=p.html"}) ==
        "error: '" + path("b.json") + "' is there twice\n");
  CHECK(error_of({path("b.json"), "--score=f1", "--output=p.html"})
            .starts_with("error: --score is for the runs of --folder"));
  std::filesystem::create_directory(folder.path() / "empty");
  CHECK(error_of({path("empty"), "--output=p.html"}) ==
        "error: '" + path("empty") +
            "' holds no run: expected metrics.json, trainer_state.json or a checkpoint\n");
  folder.write("other.json", "[]");
  CHECK(error_of({path("other.json"), "--output=p.html"})
            .starts_with("error: '" + path("other.json") + "' is no file of --metrics_file"));
}
