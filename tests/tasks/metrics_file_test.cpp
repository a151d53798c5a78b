// The metrics file, replacing files as a whole, and the memory a process had.
#include "tasks/log/metrics_file.h"

#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>

#include "core/error.h"
#include "core/io/files.h"
#include "tests/files.h"
#include "tests/json.h"

using namespace gradus;

TEST_CASE("metrics file: every number under its name") {
  const TemporaryFolder folder;
  const std::string path = folder.write("metrics.json", "what was there before");
  RunMetrics metrics;
  metrics.steps = 12;
  metrics.seconds = 3.5;
  metrics.examples_per_second = 100.25;
  metrics.tokens_per_second = 2000;
  metrics.peak_rss_bytes = int64_t{5} << 30;
  metrics.train_loss = 0.5;
  metrics.scores = {{"f1", 0.925}, {"loss", std::nan("")}};
  metrics.evaluations = {{6, {{"f1", 0.5}, {"accuracy", 0.75}}}, {12, {{"f1", 0.925}}}};
  write_metrics_file(path, metrics);
  const auto json = json_of(read_file(path));
  CHECK(json.size() == 9);
  CHECK(json["steps"] == 12);
  CHECK(json["seconds"] == 3.5);
  CHECK(json["examples_per_second"] == 100.25);
  CHECK(json["tokens_per_second"] == 2000);
  CHECK(json["peak_rss_bytes"] == 5368709120);
  CHECK(json["train_loss"] == 0.5);
  CHECK(json["f1"] == 0.925);
  CHECK(json["loss"].is_null());
  CHECK_FALSE(json.contains("settings"));
  CHECK(json["evaluations"] ==
        json_of(R"([{"step": 6, "f1": 0.5, "accuracy": 0.75}, {"step": 12, "f1": 0.925}])"));
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    CHECK(entry.path().filename() == "metrics.json");  // no temporary file is left
  }
}

TEST_CASE("metrics file: without training there is no loss, and scores are an object even when empty") {
  const auto json = json_of(to_json({}));
  CHECK_FALSE(json.contains("train_loss"));
  CHECK(json.size() == 5);
}

TEST_CASE("files: errors name the path and the reason, and leave what was there") {
  const TemporaryFolder folder;
  CHECK_THROWS_WITH_AS(
      read_file(folder.path() / "none"),
      ("cannot read '" + (folder.path() / "none").string() + "': No such file or directory").c_str(), Error);
  const std::string missing = (folder.path() / "no" / "file").string();
  try {
    replace_file(missing, "x");
    FAIL("the folder doesn't exist");
  } catch (const Error& e) {
    CHECK(std::string(e.what()).starts_with("cannot write '" + missing));
    CHECK(std::string(e.what()).ends_with("': No such file or directory"));
  }
  std::filesystem::create_directories(folder.path() / "target" / "below");
  CHECK_THROWS_AS(replace_file(folder.path() / "target", "x"), Error);
  CHECK(std::filesystem::is_directory(folder.path() / "target" / "below"));
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
}

TEST_CASE("peak memory: rises when much is used") {
  const int64_t before = peak_rss_bytes();
  CHECK(before > 100'000);
  const std::string block(static_cast<size_t>(before) + (64 << 20), 'x');
  CHECK(block.back() == 'x');
  CHECK(peak_rss_bytes() >= before + (32 << 20));
}

TEST_CASE("a process has an age") {
  const double age = process_age_seconds();
  CHECK(age >= 0);
  CHECK(age < 3600);
}

TEST_CASE("metrics file: what the run was, and the loss over its steps") {
  RunMetrics metrics;
  metrics.program = "run_ner";
  metrics.date = "2026-05-31T09:30:00Z";
  metrics.model = "model/";
  metrics.settings = {{"epoch_num", "3"}, {"seed", "1"}};
  metrics.losses = {2.5, std::nan("")};
  metrics.steps_per_loss = 4;
  const auto json = json_of(to_json(metrics));
  CHECK(json["program"] == "run_ner");
  CHECK(json["date"] == "2026-05-31T09:30:00Z");
  CHECK(json["model"] == "model/");
  CHECK(json["settings"] == json_of(R"({"epoch_num": "3", "seed": "1"})"));
  CHECK(json["training_loss"] == json_of(R"({"steps_per_point": 4, "points": [2.5, null]})"));
}

TEST_CASE("dates are told to the second in files, to the minute on pages") {
  const std::string date = start_date();
  CHECK(date.size() == 20);
  CHECK(date > "2024-01-01T00:00:00Z");
  CHECK(shown_date("2026-05-31T09:30:59Z") == "2026-05-31 09:30 UTC");
  CHECK(shown_date("") == "");
  CHECK(shown_date("yesterday, at half past") == "yesterday, at half past");
}
