#include "tasks/driver.h"

#include <unistd.h>

#include <fstream>
#include <iostream>
#include <optional>

#include "core/counted.h"
#include "core/io/files.h"
#include "core/io/json.h"
#include "data/text_file.h"
#include "nn/parameter_groups.h"
#include "tasks/log/log.h"
#include "tasks/log/phase.h"
#include "tasks/model/calibration.h"
#include "tasks/model/checkpoint_directory.h"
#include "tasks/options/config_file.h"
#include "tasks/training/fit_memory.h"
#include "tasks/training/processes.h"
#include "tasks/training/stop_request.h"
#include "tasks/training/train_setup.h"

namespace gradus {
namespace {

// A file, plain or gzip, as a stream.
class FileBuffer : public std::streambuf {
 public:
  explicit FileBuffer(const std::string& path) : reader_(path) {}

 protected:
  int_type underflow() override {
    piece_ = reader_.next();
    setg(piece_.data(), piece_.data(), piece_.data() + piece_.size());
    return piece_.empty() ? traits_type::eof() : traits_type::to_int_type(piece_.front());
  }

 private:
  PieceReader reader_;
  std::string piece_;
};

// Whether a folder, which is there, is the one that training saves to, whatever it is called.
bool saves_to(const FineTuneOptions& options, const std::string& folder) {
  std::error_code ignored;
  return options.train.do_train &&
         std::filesystem::equivalent(options.train.save_finetune_checkpoint_path, folder, ignored);
}

// What the options say of single parts of the model: before its memory is planned.
void treat_parts(const TrainOptions& train, Parameters& parameters, std::FILE* log) {
  parameters.exclude_from_decay(train.no_decay);
  if (!train.freeze.empty()) {
    try {
      freeze_parts(parameters, comma_parts(train.freeze));
    } catch (const Error& e) {
      fail("--freeze {}: {}", train.freeze, e.what());
    }
    int64_t left = 0;
    for (const Segment& segment : parameters.trained_segments()) left += segment.size;
    print_log(log, "frozen: {} of {}, {}\n", parameters.count() - left, counted(parameters.count(), "number"),
              train.freeze);
  }
  if (train.layer_decay < 1) decay_rates(parameters, static_cast<float>(train.layer_decay));
}

// The value of an option on the command line: the word behind it, or behind "=".
std::optional<std::string> value_of(int argc, char** argv, const std::string& name) {
  std::optional<std::string> value;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--" + name && i + 1 < argc) value = argv[i + 1];
    if (word.starts_with("--" + name + "=")) value = word.substr(name.size() + 3);
  }
  return value;
}

}  // namespace

std::string early_setting(int argc, char** argv, const char* name) {
  if (const auto value = value_of(argc, argv, name)) return *value;
  const auto path = value_of(argc, argv, "config_path");
  if (!path) return "";
  ConfigFile config(*path);
  const ConfigEntry* entry = config.find(name);
  return entry != nullptr && !entry->values.empty() ? entry->values.front() : "";
}

std::deque<OutputFolder> begin_outputs(const FineTuneOptions& options, const std::string& results) {
  const std::string& save = options.train.save_finetune_checkpoint_path;
  std::deque<OutputFolder> folders;
  join_processes(options.train);
  if (!leads()) {
    if (!options.train.do_train) throw Stopped();  // scores and predictions are made by one process
    return folders;
  }
  if (options.train.do_train && !save.empty()) folders.emplace_back(save, log_of(options));
  if (!results.empty() && !saves_to(options, results)) folders.emplace_back(results, log_of(options));
  return folders;
}

Backend& begin_run(const Options& flags, const FineTuneOptions& options) {
  const bool quiet = options.predicts_only();
  if (!quiet) flags.print_effective(log_of(options));
  Backend& backend = [&]() -> Backend& {
    const Phase phase("opening the device");
    return open_backend(options.device);
  }();
  if (!quiet) print_log(log_of(options), "device: {}\n", backend.description());
  for (const std::string& path : {options.train.metrics_file, options.train.report}) {
    if (!path.empty() && leads()) check_writable(path);
  }
  const std::string& texts = options.predict_data_file_path;
  // Not by opening it: a pipe would be at its end for its writer.
  check(!options.train.do_predict || texts == "-" || ::access(texts.c_str(), R_OK) == 0, "cannot open '{}'",
        texts);
  return backend;
}

void end_training_data(FinishedRun& run, FineTuning& task, const std::string& description) {
  std::FILE* const log = log_of(run.options);
  run.training_data = description;
  task.end_examples();
  print_log(log, "training data: {}\n", description);
  const auto bytes = static_cast<double>(task.examples().bytes_in_file());
  if (bytes > 0) print_log(log, "examples: {:.1f} MiB in a file, not in memory\n", bytes / (1 << 20));
}

void run_training(FinishedRun& run, TaskSystem& system, FineTuning& task, RunMetrics& metrics) {
  const FineTuneOptions& options = run.options;
  Backend& backend = run.backend;
  std::FILE* const log = log_of(options);
  TrainConfig config = train_config(options.train, options.device);
  treat_parts(options.train, system.parameters(), log);
  config.log = log;
  processes().join_devices(backend);
  const int64_t most_bytes = options.train.max_memory_bytes();
  std::optional<Phase> phase(std::in_place, "planning the memory");
  const MemoryPlan plan =
      most_bytes > 0 ? fit_memory(task, backend, config, most_bytes) : task.plan_memory(backend, config);
  phase.reset();
  const std::optional<size_t> left = backend.free_memory();
  print_log(log, "memory: {}{}\n", plan.str(),
            left ? fmt::format("; the device has {} MiB left", *left >> 20) : "");
  if (left && plan.bytes() > static_cast<int64_t>(*left)) {
    const std::string text = fmt::format(
        "training takes {}, the device has {} MiB left: --max_memory {}M cuts its batches into smaller ones "
        "that add up, --recompute keeps less of them",
        mebibytes(plan.bytes(), 0), *left >> 20, *left >> 20);
    // Of records that are read as they are trained on the plan knows a bound alone.
    check(task.streams() && plan.bytes() - plan.activations <= static_cast<int64_t>(*left), "{}", text);
    print_log(log, "warning: {}\n", text);
  }
  system.allocate(backend, Parameters::Use::training, options.device.dtype(),
                  static_cast<uint64_t>(options.device.seed), log);
  run.training = train(system.parameters(), task, config);
  if (!leads()) throw Stopped();  // process 0 does what comes after training

  const TrainResult& result = *run.training;
  const auto per_second = [&](int64_t count) {
    return result.seconds > 0 ? static_cast<double>(count) / result.seconds : 0;
  };
  for (const auto& [name, value] : result.scores) metrics.scores[name] = value;
  for (const auto& [name, value] : result.best_scores) metrics.scores["best_" + name] = value;
  metrics.steps = result.steps;
  metrics.seconds = result.seconds;
  metrics.examples_per_second = per_second(result.examples);
  metrics.tokens_per_second = per_second(result.tokens);
  metrics.train_loss = result.train_loss;
  metrics.evaluations = result.history.evaluations;
  metrics.losses = result.history.losses.points();
  metrics.steps_per_loss = result.history.losses.steps_per_point();
  metrics.scores["seconds_to_first_step"] = result.seconds_to_first_step;
  metrics.scores["seconds_for_data"] = result.seconds_for_data;
  const bool follows_scale = config.optimizer.scaling.window > 0;
  if (follows_scale) metrics.scores["skipped_steps"] = static_cast<double>(result.skipped_steps);
  print_log(log, "trained {}{} in {:.1f} s: {:.1f} {}/s, {:.0f} tokens/s, loss at the end {:.4f} ({})\n",
            counted(result.steps, "step"),
            follows_scale || result.skipped_steps > 0
                ? fmt::format(", {} of them skipped,", result.skipped_steps)
                : "",
            result.seconds, metrics.examples_per_second, run.noun, metrics.tokens_per_second,
            result.train_loss, final_loss_meaning(result.train_loss_steps));
  if (result.best_step >= 0 && !result.ends_with_best() && !config.save_path.empty()) {
    const auto& [name, value] = result.best_scores.front();
    print_log(log, "best: {} {:.2f} at step {}, in {}; the model in use is that of step {}\n", name, value,
              result.best_step, best_checkpoint(config.save_path).string(), result.steps);
  }
}

void load_weights(const FinishedRun& run, TaskSystem& system, Evaluation* evaluation) {
  const FineTuneOptions& options = run.options;
  std::FILE* const log = log_of(options);
  if (!options.exported_file.empty()) return system.run_exported(run.backend, options, log);
  const bool calibrates = evaluation != nullptr && !options.calibrate.empty();
  system.allocate(run.backend, Parameters::Use::evaluation,
                  calibrates ? DType::float32 : options.device.dtype(), 0, log);
  if (!calibrates) return;
  const auto evaluate = [&] {
    const EvaluationReport& report = evaluation->run();
    return CalibrationScore{report.scores[0].first, report.scores[0].second, report.examples_per_second};
  };
  const Calibration found = calibrate_int8(system.parameters(), evaluate, log);
  system.save_int8_keeps(found.keeps);
  if (found.int8.speed <= found.float32.speed)
    print_log(log, "warning: int8 is no faster than fp32 here: take --compute_type fp32\n");
}

void read_predict_data(const FineTuneOptions& options,
                       const std::function<void(std::istream&, const std::string&)>& use) {
  const std::string& path = options.predict_data_file_path;
  if (path == "-") {
    std::ios::sync_with_stdio(false);
    return use(std::cin, "standard input");
  }
  if (std::filesystem::is_regular_file(path)) {
    FileBuffer buffer(path);
    std::istream file(&buffer);
    file.exceptions(std::ios::badbit);  // the reader's errors tell more than a failed read
    return use(file, path);
  }
  std::ifstream pipe(path);  // its lines are answered as they come
  check(pipe.is_open(), "cannot open '{}'", path);
  use(pipe, path);
}

void check_results_folder(const FineTuneOptions& options, const std::string& folder,
                          const std::vector<std::string>& files) {
  if (folder.empty() || !leads()) return;
  if (saves_to(options, folder)) {
    // Nobody has asked for them there by name: those that are no earlier run's are somebody else's.
    const std::filesystem::path save = folder;
    const bool continues = latest_checkpoint(save) || std::filesystem::exists(best_checkpoint(save));
    for (const std::string& file : files)
      check(continues || !std::filesystem::exists(save / file),
            "'{}' is there already, and of no run that saved to this folder: name another one with "
            "--output_dir",
            (save / file).string());
    return;
  }
  for (const std::string& file : files) check_writable(std::filesystem::path(folder) / file);
}

std::string to_json_line(const Scores& scores) {
  Json json;
  for (const auto& [name, value] : scores) json[name] = value;
  return json_text(json);
}

void tell_scores(const FinishedRun& run, Evaluation& evaluation, const std::string& text,
                 RunMetrics& metrics) {
  const EvaluationReport& report = evaluation.current();
  for (const auto& [name, value] : report.scores) metrics.scores[name] = value;
  metrics.scores[fmt::format("eval_{}_per_second", run.noun)] = report.examples_per_second;
  if (run.options.train.json) {
    print_result("{}\n", to_json_line(report.scores));
  } else {
    print_result("evaluation data: {}; {:.1f} {}/s\n{}", evaluation.data_description(),
                 report.examples_per_second, run.noun, text);
  }
  if (const std::string warning = evaluation.warning(); !warning.empty())
    print_log(log_of(run.options), "warning: {}\n", warning);
}

void save_report(const FineTuneOptions& options, const Report& report) {
  write_report(options.train.report, report);
  print_log(log_of(options), "report: {}\n", options.train.report);
}

void end_run(const FinishedRun& run, RunMetrics& metrics) {
  const TrainOptions& train = run.options.train;
  metrics.program = run.flags.program();
  metrics.date = start_date();
  metrics.model = model_of(run.options);
  for (const Option& option : run.flags.all()) metrics.settings[option.name()] = option.value();
  metrics.peak_rss_bytes = peak_rss_bytes();
  if (!train.metrics_file.empty()) write_metrics_file(train.metrics_file, metrics);
  check(!run.training || run.training->lost_events.empty(), "--log_dir {}: {}", train.log_dir,
        run.training ? run.training->lost_events : "");
}

}  // namespace gradus
