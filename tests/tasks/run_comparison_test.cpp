// Runs beside each other: compare_runs and what it is made of.
#include "tasks/report/run_comparison.h"

#include <doctest/doctest.h>

#include "core/error.h"
#include "core/io/files.h"
#include "tasks/report/svg_picture.h"
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
  CHECK(error_of({}) == "error: --folder is missing: a folder with a folder for each task\n");
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
