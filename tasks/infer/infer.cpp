// infer: scores a model by way of files, in three stages: data to inputs, inputs to results, results to scores.
#include <algorithm>
#include <cctype>
#include <string_view>

#include "tasks/driver.h"
#include "tasks/infer/stages.h"
#include "tasks/log/log.h"
#include "tasks/main.h"
#include "tasks/ner/tags.h"

using namespace gradus;

namespace {

constexpr const char* purpose =
    R"(Scores a trained model by way of files, as the inference program of MindSpore's BERT does (docs/infer.md): data become
files of numbers (preprocess_Result), the model makes of these files of results (result_Files, time_Result), and these are
scored (acc.log). Each stage runs alone, too: the model on another program's inputs, another engine's results scored.)";
constexpr const char* example =
    R"(infer --task ner --load_finetune_checkpoint_path ner_finetune/ckpt --eval_data_file_path dev.txt
  infer --task squad --load_finetune_checkpoint_path squad_finetune/ckpt --eval_data_file_path dev-v1.1.json --seq_length 384
  infer --task classifier --stage infer --exported_file model/classifier.onnx --preprocess_path preprocess_Result
  infer --task ner_crf --stage postprocess --load_finetune_checkpoint_path ner_finetune/ckpt --assessment_method BF1)";

std::unique_ptr<NerSystem> load_system(const InferOptions& infer, NerOptions& options, Options&) {
  auto system = NerSystem::load(options);
  const bool has_crf = system->settings().use_crf;
  check(has_crf == (infer.task == "ner_crf"), "--task {}: the tagger in '{}' has {} CRF: expected {}",
        infer.task, options.load_finetune_checkpoint_path, has_crf ? "a" : "no", has_crf ? "ner_crf" : "ner");
  check_labels(options.assessment_method, system->labels(), "the tagger's label list");
  return system;
}

std::unique_ptr<ClassifierSystem> load_system(const InferOptions&, ClassifierOptions& options,
                                              Options& flags) {
  auto system = ClassifierSystem::load(options);
  options.take(system->settings().task_name, system->problem(), system->settings().label_separator, flags);
  return system;
}

std::unique_ptr<SquadSystem> load_system(const InferOptions&, SquadDriverOptions& options, Options&) {
  return SquadSystem::load(options);
}

template <typename TaskOptions, typename Make>
int run_task(int argc, char** argv, bool questions, Make&& make) {
  InferOptions infer;
  TaskOptions options;
  Options flags("infer", purpose, example);
  infer.declare(flags);
  options.declare(flags);
  if (!flags.parse(argc, argv)) return 0;
  infer.prepare(flags, options, questions);
  if constexpr (requires { options.output_dir; })
    check(options.output_dir.empty(), "--output_dir is of the task's own program: infer has --work_dir");
  options.finish(flags);
  const OutputFolder folder(infer.work_dir, log_of(options));
  auto system = load_system(infer, options, flags);
  const bool cuts_text = infer.has_data && (questions || options.format() == DatasetFormat::text);
  if (cuts_text) system->check_sequence_length(options.seq_length);
  Backend& backend = begin_run(flags, options);
  const std::unique_ptr<Inference> task = make(backend, infer, options, std::move(system));
  RunMetrics metrics;
  const FinishedRun finished{flags, options, backend, "rows"};
  if (infer.runs("preprocess")) run_preprocess(*task, infer, options);
  if (infer.runs("infer")) {
    // Texts are as long as in the files by now.
    options.seq_length = std::min(options.seq_length, input_length(*task, infer));
    load_weights(finished, task->system());
    run_inference(*task, infer, options, backend, metrics);
  }
  if (infer.runs("postprocess")) run_postprocess(*task, infer, options, metrics);
  end_run(finished, metrics);
  return 0;
}

// The options of infer alone: those of the tasks have hundreds of lines.
int print_help() {
  InferOptions infer;
  Options flags("infer", purpose, example);
  infer.declare(flags);
  print_result(
      "{}\nBeside these it takes all options of run_ner, run_classifier or run_squad, whichever is the "
      "task's "
      "program, that\nscore a model: infer --task ner --help lists them.\n",
      flags.help());
  return 0;
}

template <typename TaskOptions>
ProgramPage page_of() {
  InferOptions infer;
  TaskOptions options;
  Options flags("infer", purpose, example);
  infer.declare(flags);
  options.declare(flags);
  return flags.page();
}

// All options that it has for one task or another.
ProgramPage whole_page() {
  ProgramPage page = page_of<NerOptions>();
  for (const ProgramPage& other : {page_of<ClassifierOptions>(), page_of<SquadDriverOptions>()}) {
    for (const PageOption& option : other.options)
      if (std::ranges::find(page.options, option.names, &PageOption::names) == page.options.end())
        page.options.push_back(option);
  }
  return page;
}

int run(int argc, char** argv) {
  if (writes_pages(argc, argv, whole_page)) return 0;
  std::string task = early_setting(argc, argv, "task");
  std::ranges::transform(task, task.begin(), [](unsigned char c) { return std::tolower(c); });
  if (task.empty()) {
    for (int i = 1; i < argc; ++i)
      if (std::string_view(argv[i]) == "--help" || std::string_view(argv[i]) == "-h") return print_help();
    fail("--task is missing: expected ner, ner_crf, classifier or squad");
  }
  if (task == "classifier") return run_task<ClassifierOptions>(argc, argv, false, make_classifier_inference);
  if (task == "squad" || task == "sqaud")
    return run_task<SquadDriverOptions>(argc, argv, true, make_squad_inference);
  // Another name is refused as a value of the option.
  return run_task<NerOptions>(argc, argv, false, make_ner_inference);
}

}  // namespace

int main(int argc, char** argv) { return run_main(argc, argv, run); }
