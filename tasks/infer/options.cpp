#include "tasks/infer/options.h"

#include "core/onnx_session.h"

namespace gradus {

void InferOptions::declare(Options& options) {
  options.group("Inference");
  std::vector<Choice> engines{"gradus", "onnx"};
  for (const OnnxRuntime& runtime : known_onnx_runtimes)
    engines.emplace_back(std::string(runtime.name).c_str());
  options
      .add("task", task,
           "what the model does; ner_crf: a tagger with a CRF, whose results are the best path, not scores")
      .choices({"ner", "ner_crf", "classifier", {"squad", {"sqaud"}}});
  options
      .add("stage", stage,
           "preprocess: data to files of inputs; infer: these to files of results; postprocess: these to "
           "scores; all, one after the other")
      .choices({"all", "preprocess", "infer", "postprocess"});
  options
      .add("engine", engine,
           "what computes: this program with the trained model's weights, or a runtime with --exported_file: "
           "that of --onnx_runtime, or the one named here")
      .choices(std::move(engines));
  options
      .add("work_dir", work_dir,
           "folder for what the stages leave: time_Result, infer.log, acc.log and the two below")
      .folder();
  options
      .add("preprocess_path", preprocess_path,
           "folder of the inputs, 00_data to 03_data; none: preprocess_Result in --work_dir")
      .folder()
      .alias("result_path");
  options.add("result_dir", result_dir, "folder of the results; none: result_Files in --work_dir").folder();
  options
      .add("label_dir", label_dir,
           "folder of the labels, or the windows' ids; none: 03_data of --preprocess_path")
      .folder();
}

void InferOptions::prepare(Options& options, FineTuneOptions& task_options, bool questions) {
  const TrainOptions& t = task_options.train;
  check(!t.do_train && !t.do_predict && !t.distribute && t.report.empty() && task_options.seeds.empty(),
        "--do_train, --do_predict, --distribute, --report and --seeds are of the task's own program: infer "
        "scores, on one process");
  options.preset("do_eval", "true", "infer");
  check(t.do_eval, "--do_eval false: nothing is left to do");
  check(task_options.calibrate.empty(),
        "--calibrate {}: it is of the task's own program, which chooses for infer, too",
        task_options.calibrate);
  if (preprocess_path.empty()) preprocess_path = file("preprocess_Result").string();
  if (result_dir.empty()) result_dir = file("result_Files").string();
  if (label_dir.empty()) label_dir = (std::filesystem::path(preprocess_path) / "03_data").string();

  if (!task_options.exported_file.empty()) options.preset("engine", "onnx", "--exported_file");
  check(engine != "gradus" || task_options.exported_file.empty(),
        "--engine gradus runs the trained model: leave out --exported_file {}", task_options.exported_file);
  check(engine == "gradus" || !task_options.exported_file.empty(),
        "--engine {} needs --exported_file: a file that export has written", engine);
  if (engine != "gradus" && engine != "onnx") {
    options.preset("onnx_runtime", engine, "--engine");
    check(task_options.onnx_runtime == engine, "--engine {} and --onnx_runtime {}: leave one of them out",
          engine, task_options.onnx_runtime);
  }

  const bool named =
      !options.is_default("eval_data_file_path") || (questions && !options.is_default("eval_json_path"));
  check(named || !runs("preprocess"), "--stage {} needs --eval_data_file_path: the data to score on", stage);
  has_data = named;
  if (named) return;
  // The files of inputs are the data then.
  options.preset("eval_data_file_path", preprocess_path, "--preprocess_path");
  if (questions && task_options.format() != DatasetFormat::text)
    options.preset("eval_json_path", preprocess_path, "--preprocess_path");
}

}  // namespace gradus
