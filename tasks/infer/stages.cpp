#include "tasks/infer/stages.h"

#include <chrono>
#include <cmath>
#include <optional>

#include "core/counted.h"
#include "core/io/files.h"
#include "tasks/driver.h"
#include "tasks/log/log.h"
#include "tasks/log/progress.h"

namespace gradus {
namespace {

// infer.log, and beside it the log of the run.
class InferLog {
 public:
  InferLog(const std::filesystem::path& path, std::FILE* also) : also_(also) {
    std::error_code ignored;
    std::filesystem::remove(path, ignored);  // an earlier run's; what else is there, the next line tells
    file_.emplace(path);
  }

  void add(const std::string& text) {
    print_log(also_, "{}", text);
    file_->write(text);
  }
  // Of one batch among thousands: in the file alone.
  void add_to_file(const std::string& text) { file_->write(text); }

 private:
  std::FILE* also_;
  std::optional<GrowingFile> file_;
};

int64_t log_interval(const FineTuneOptions& options, int64_t batches) {
  return std::max<int64_t>(options.train.log_steps, (batches + 9) / 10);
}

}  // namespace

void run_preprocess(Inference& task, const InferOptions& infer, const FineTuneOptions& options) {
  std::FILE* const log = log_of(options);
  std::vector<DatasetRow> rows = task.read_rows();
  const int64_t count = std::ssize(rows), size = options.train.eval_batch_size,
                batches = (count + size - 1) / size;
  int64_t removed = 0;
  {
    Progress progress("preprocess", batches, log_interval(options, batches), stderr, log);
    removed = write_inputs(infer.preprocess_path, task.form(), size, std::move(rows),
                           [&](int64_t done) { progress.update(done, std::nan(""), 0); });
  }
  if (removed > 0) print_log(log, "removed: {} of earlier inputs\n", counted(removed, "file"));
  print_log(log, "wrote {}: {}, {} of {}{}\n", infer.preprocess_path, counted(count, "row"),
            counted(batches, "batch", "batches"), size,
            batches * size > count
                ? fmt::format(", {} without a token behind the last", counted(batches * size - count, "row"))
                : "");
}

int64_t input_length(Inference& task, const InferOptions& infer) {
  return InputFiles(infer.preprocess_path, infer.label_dir, task.form()).length();
}

void run_inference(Inference& task, const InferOptions& infer, const FineTuneOptions& options,
                   const Backend& backend, RunMetrics& metrics) {
  using Clock = std::chrono::steady_clock;
  const InputFiles inputs(infer.preprocess_path, infer.label_dir, task.form());
  // Better now than when most of the work is done.
  for (int64_t number = 0; number < inputs.count(); ++number) {
    InputBatch batch = inputs.read(number);
    task.check_rows(batch);
  }
  InferLog log(infer.file("infer.log"), log_of(options));
  log.add(fmt::format("inputs: {}: {} of {} of {}{}\n", infer.preprocess_path,
                      counted(inputs.count(), "batch", "batches"), counted(inputs.batch_size(), "row"),
                      counted(inputs.length(), "token"),
                      inputs.has_labels() ? "" : ", without " + infer.label_dir));
  const bool exported = task.system().runs_exported();
  log.add(fmt::format("model: {}{}\n", task.system().computes_by(),
                      exported ? "" : " on " + backend.description()));
  if (const int64_t removed = clear_results(infer.result_dir); removed > 0)
    log.add(fmt::format("removed: {} of earlier results\n", counted(removed, "file")));
  double seconds = 0;
  int64_t rows = 0;
  {
    Progress progress("infer", inputs.count(), log_interval(options, inputs.count()), stderr,
                      log_of(options));
    for (int64_t number = 0; number < inputs.count(); ++number) {
      InputBatch batch = inputs.read(number);
      const auto begin = Clock::now();
      const std::vector<std::string> outputs = task.infer(batch);
      const double taken = std::chrono::duration<double>(Clock::now() - begin).count();
      for (size_t output = 0; output < outputs.size(); ++output)
        write_result(infer.result_dir, batch.name(), static_cast<int64_t>(output), outputs[output]);
      seconds += taken;
      rows += batch.size();
      log.add_to_file(
          fmt::format("{}: {}, {:.3f} ms\n", batch.name().str(), counted(batch.size(), "row"), 1e3 * taken));
      progress.update(number + 1, std::nan(""), batch.tokens());
    }
  }
  const std::string times = fmt::format("NN inference cost average time: {:.4f} ms of infer_count {}\n",
                                        1e3 * seconds / static_cast<double>(inputs.count()), inputs.count());
  make_folder(infer.times_file().parent_path());
  replace_file(infer.times_file(), times);
  const double per_second = static_cast<double>(rows) / seconds;
  metrics.scores["infer_rows_per_second"] = per_second;
  log.add(fmt::format("results: {}: of {}, {:.1f} rows/s\n{}", infer.result_dir, counted(rows, "row"),
                      per_second, times));
}

void run_postprocess(Inference& task, const InferOptions& infer, const FineTuneOptions& options,
                     RunMetrics& metrics) {
  const InputFiles inputs(infer.preprocess_path, infer.label_dir, task.form());
  const ResultFiles results(infer.result_dir, inputs);
  using std::filesystem::last_write_time;
  // What makes the results runs after what makes the inputs.
  const std::filesystem::path made = results.path(inputs.name(0), 0), of = inputs.input_file(0);
  if (last_write_time(made) < last_write_time(of))
    print_log(log_of(options), "warning: '{}' is older than '{}': are these its inputs?\n", made.string(),
              of.string());
  const Judgement judgement = task.judge(inputs, results);
  for (const auto& [name, value] : judgement.scores) metrics.scores[name] = value;
  // As the drivers print them: SQuAD's JSON and conlleval's report stand alone in a file.
  const bool alone = infer.task == "squad" || judgement.text.starts_with("processed ");
  const std::string text = alone ? judgement.text : between_rules(judgement.text);
  replace_file(infer.file("acc.log"), text);
  if (options.train.json) print_result("{}\n", to_json_line(judgement.scores));
  else print_result("evaluation data: {}\n{}", judgement.data, text);
}

}  // namespace gradus
