#include "tasks/run_series.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <set>

#include "core/counted.h"
#include "core/io/files.h"
#include "core/io/json.h"
#include "core/joined.h"
#include "tasks/driver.h"
#include "tasks/log/log.h"
#include "tasks/model/checkpoint_directory.h"
#include "tasks/report/comparison_page.h"
#include "tasks/report/series_summary.h"
#include "tasks/series_process.h"

namespace gradus {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

constexpr const char *metrics_name = "metrics.json", *page_name = "report.html",
                     *start_name = "started_as.json";

struct SeriesRun {
  std::string name;
  Words words;           // beside those of the series
  std::string settings;  // the text of its file
};

struct Series {
  std::string program;  // as it was started
  Words words;          // the command line
  fs::path folder, page;
  std::string metrics_file, log_dir, output_dir;
  bool json = false, resume = false, overwrite = false;
  RunsAre are = RunsAre::different;
  std::vector<SeriesRun> runs;

  fs::path folder_of(const SeriesRun& run) const { return folder / run.name; }
  std::FILE* log() const { return json ? stderr : stdout; }
};

bool names(const std::string& word, const std::string& option) {
  return word == "--" + option || word.starts_with("--" + option + "=");
}

// The words without these options and their values, which may be missing: those of switches.
Words without(const Words& words, const std::set<std::string>& switches) {
  Words kept;
  for (size_t i = 0; i < words.size(); ++i) {
    const bool left = std::ranges::any_of(switches, [&](const auto& name) { return names(words[i], name); });
    if (!left) kept.push_back(words[i]);
    else if (words[i].find('=') == std::string::npos && i + 1 < words.size() &&
             (parse_switch(words[i + 1]) || words[i + 1] == "auto"))
      ++i;
  }
  return kept;
}

// What a run that is done was started with. What makes no other model does not count.
std::string start_text(const Series& series, const SeriesRun& run) {
  Words words = without(series.words, {"resume", "overwrite_output_dir", "json"});
  words.insert(words.end(), run.words.begin(), run.words.end());
  return json_text({{"words", words}, {"settings", run.settings}}, 2) + "\n";
}

bool is_done(const Series& series, const SeriesRun& run) {
  const fs::path start = series.folder_of(run) / start_name;
  return fs::exists(series.folder_of(run) / metrics_name) && fs::exists(start) &&
         read_file(start) == start_text(series, run);
}

bool is_begun(const fs::path& folder) {
  return fs::is_directory(folder) && (fs::exists(folder / metrics_name) || latest_checkpoint(folder) ||
                                      fs::exists(best_checkpoint(folder)));
}

void check_folders(const Series& series) {
  if (series.resume || series.overwrite) return;
  for (const SeriesRun& run : series.runs)
    check(
        !is_begun(series.folder_of(run)),
        "'{}' holds an earlier run: --resume goes on with the series and leaves what is done; for a new one "
        "give another --save_finetune_checkpoint_path, or --overwrite_output_dir",
        series.folder_of(run).string());
}

Words words_of(const Series& series, const SeriesRun& run) {
  const fs::path folder = series.folder_of(run);
  Words words = series.words;
  words.insert(words.end(), run.words.begin(), run.words.end());
  words.push_back("--save_finetune_checkpoint_path=" + folder.string());
  words.push_back("--metrics_file=" + (folder / metrics_name).string());
  words.push_back("--report=" + (folder / page_name).string());
  if (!series.log_dir.empty()) words.push_back("--log_dir=" + (fs::path(series.log_dir) / run.name).string());
  if (!series.output_dir.empty())
    words.push_back("--output_dir=" + (fs::path(series.output_dir) / run.name).string());
  return words;
}

// Why it is not done; empty when it is.
std::string run_one(const Series& series, const SeriesRun& run, const StopRequest& stop) {
  const fs::path folder = series.folder_of(run);
  make_folder(folder);
  fs::remove(folder / metrics_name);
  replace_file(folder / start_name, start_text(series, run));
  const int status = run_again(series.program, words_of(series, run),
                               series.json ? ChildOutput::to_log : ChildOutput::same, stop);
  if (status > 128) return fmt::format("signal {} ended it", status - 128);
  if (status != 0) return fmt::format("exit status {}", status);
  return fs::exists(folder / metrics_name) ? "" : "it was stopped before its end";
}

struct Results {
  std::vector<RunRecord> runs;
  Words failed;
};

[[noreturn]] void stop_series(const Series& series, const Results& results, std::string_view signal) {
  print_log(series.log(), "series stopped by {}, {} of {} done: --resume goes on from there\n", signal,
            results.runs.size(), counted(series.runs.size(), "run"));
  throw Stopped();
}

Results run_all(const Series& series) {
  const StopRequest stop;
  Results results;
  for (size_t i = 0; i < series.runs.size(); ++i) {
    const SeriesRun& run = series.runs[i];
    if (!stop.signal().empty()) stop_series(series, results, stop.signal());
    const bool left = series.resume && is_done(series, run);
    print_log(series.log(), "run {} of {}: {}{}\n", i + 1, series.runs.size(), run.name,
              left ? ", which is done" : "");
    const std::string problem = left ? "" : run_one(series, run, stop);
    if (problem.empty()) {
      results.runs.push_back(read_run(series.folder_of(run) / metrics_name));
      results.runs.back().name = run.name;
    } else if (!stop.signal().empty()) {
      stop_series(series, results, stop.signal());
    } else {
      results.failed.push_back(run.name);
      print_log(series.log(), "warning: run {} failed, {}{}\n", run.name, problem,
                i + 1 < series.runs.size() ? ": the others go on" : "");
    }
  }
  return results;
}

int run_series(const Series& series, const std::string& title) {
  const OutputFolder folder(series.folder, series.log());
  check_folders(series);
  for (const std::string& file : {series.page.string(), series.metrics_file})
    if (!file.empty()) check_writable(file);
  const Results results = run_all(series);
  if (!results.runs.empty()) {
    if (series.json) print_result("{}", json_lines(results.runs, series.are));
    else print_result("{}", score_table(results.runs, series.are));
    Report report = comparison_report(title, results.runs, series.are);
    if (!results.failed.empty())
      report.notes.push_back(
          fmt::format("Not on this page, because they failed: {}.", joined(results.failed, ", ")));
    write_report(series.page.string(), report);
    print_log(series.log(), "report: {}\n", series.page.string());
    if (!series.metrics_file.empty())
      replace_file(series.metrics_file, series_metrics(results.runs, results.failed, series.are));
  }
  check(results.failed.empty(), "{} of {} failed: {}; --resume runs what is not done", results.failed.size(),
        counted(series.runs.size(), "run"), joined(results.failed, ", "));
  return 0;
}

// The series that the options ask for, but for its runs.
Series series_of(const Options& flags, const FineTuneOptions& options, int argc, char** argv) {
  const TrainOptions& train = options.train;
  Series series;
  series.program = argv[0];
  series.words.assign(argv + 1, argv + argc);
  series.folder = train.save_finetune_checkpoint_path;
  series.page = train.report.empty() ? series.folder / page_name : fs::path(train.report);
  series.metrics_file = train.metrics_file;
  series.log_dir = train.log_dir;
  // That of each run is its own folder, unless another one was asked for.
  for (const Option& option : flags.all())
    if (option.name() == "output_dir" && option.value() != series.folder) series.output_dir = option.value();
  series.json = train.json;
  series.resume = train.resume;
  series.overwrite = train.overwrite_output_dir;
  return series;
}

std::vector<int64_t> seeds_of(const std::string& list) {
  std::vector<int64_t> seeds;
  for (const std::string& part : comma_parts(list)) {
    int64_t seed = -1;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), seed);
    check(error == std::errc() && end == part.data() + part.size() && seed >= 0,
          "--seeds {}: found '{}', expected whole numbers, at least 0, with commas between", list, part);
    check(std::ranges::find(seeds, seed) == seeds.end(), "--seeds {}: {} is there twice", list, seed);
    seeds.push_back(seed);
  }
  return seeds;
}

// The YAML files in a folder by the names of their runs, in the order of these.
std::map<std::string, fs::path> settings_in(const fs::path& folder) {
  std::map<std::string, fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const fs::path& path = entry.path();
    if (!entry.is_regular_file() || (path.extension() != ".yaml" && path.extension() != ".yml")) continue;
    const auto [place, is_new] = files.emplace(path.stem().string(), path);
    check(is_new, "--config_path {}: '{}' and '{}' would be one run: give one of them another name",
          folder.string(), place->second.filename().string(), path.filename().string());
  }
  check(!files.empty(),
        "--config_path {}: expected a YAML file, or a folder with files NAME.yaml or NAME.yml",
        folder.string());
  return files;
}

}  // namespace

int run_settings(const Options& flags, const FineTuneOptions& options, int argc, char** argv) {
  const TrainOptions& train = options.train;
  const fs::path config = flags.folder_of_settings().value();
  check(
      !flags.is_default("save_finetune_checkpoint_path") && !train.save_finetune_checkpoint_path.empty(),
      "--config_path {}: a run for each file in it: give --save_finetune_checkpoint_path, in which each has "
      "a folder",
      config.string());
  for (const auto& [is_on, name] :
       {std::pair{train.distribute, "distribute"}, {train.do_predict, "do_predict"}})
    check(!is_on, "--config_path {}: --{} is for single runs, not for a folder of settings", config.string(),
          name);
  check(train.trace.empty(), "--config_path {}: --trace is for single runs", config.string());
  Series series = series_of(flags, options, argc, argv);
  for (const auto& [name, path] : settings_in(config))
    series.runs.push_back({name, {"--config_path=" + path.string()}, read_file(path)});
  return run_series(series, fmt::format("Settings of {}", config.lexically_normal().string()));
}

int run_seeds(const Options& flags, const FineTuneOptions& options, int argc, char** argv) {
  const TrainOptions& train = options.train;
  const std::string& seeds = options.seeds;
  check(train.do_train, "--seeds {}: each is a training: add --do_train", seeds);
  check(!train.do_predict, "--seeds {}: predict with one of its models, in a run of its own", seeds);
  check(!train.distribute, "--seeds {}: --distribute is for single runs", seeds);
  check(train.trace.empty(), "--seeds {}: --trace is for single runs", seeds);
  check(!flags.is_on_command_line("seed"), "--seeds {} and --seed {}: give one of them", seeds,
        options.device.seed);
  check(!train.save_finetune_checkpoint_path.empty(),
        "--seeds {}: give --save_finetune_checkpoint_path, in which each run has a folder", seeds);
  Series series = series_of(flags, options, argc, argv);
  series.are = RunsAre::repeated;
  for (const int64_t seed : seeds_of(seeds))
    series.runs.push_back({fmt::format("seed-{}", seed), {"--seeds=", fmt::format("--seed={}", seed)}, ""});
  return run_series(series, fmt::format("{}: seeds {}", flags.program(), seeds));
}

}  // namespace gradus
