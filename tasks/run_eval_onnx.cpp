// run_eval_onnx: scores an exported model, as run_ner, run_classifier or run_squad scores its own.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "core/error.h"
#include "core/onnx_session.h"
#include "tasks/driver.h"
#include "tasks/main.h"
#include "tasks/model/exported_run.h"

using namespace gradus;

namespace {

constexpr const char* purpose =
    R"(Scores a file that export has written, run by another program's library, on evaluation data: what run_ner,
run_classifier or run_squad, whichever the file is for, does with --do_eval. Takes all options of that program.)";
constexpr const char* example =
    R"(run_eval_onnx --export_file_name names/model.onnx --eval_data_file_path dev.txt)";

// Its own options, and those that nobody does without; they are read by the program that it starts.
struct ShownOptions {
  std::string file, data, runtime = "auto";

  void declare(Options& options) {
    options.add("export_file_name", file, "the exported model; .onnx may be left out")
        .file()
        .alias("exported_file");
    options.add("eval_data_file_path", data, "data to score it on").path();
    std::vector<Choice> runtimes{"auto"};
    for (const OnnxRuntime& known : known_onnx_runtimes)
      runtimes.emplace_back(std::string(known.name).c_str());
    options.add("onnx_runtime", runtime, "the library; auto: the first that was there to build with")
        .choices(std::move(runtimes));
  }
};

std::string program_for(const onnx::Header& header) {
  const std::string& task = header.text("task");
  const auto found = std::ranges::find(exported_tasks, task, &ExportedTask::name);
  check(found != std::end(exported_tasks),
        "{}: a model for the task {}: expected a tagger, a classifier or a model of answers", header.path,
        task);
  return std::string(found->program);
}

int run(int argc, char** argv) {
  ShownOptions shown;
  Options flags("run_eval_onnx", purpose, example);
  shown.declare(flags);
  if (writes_pages(argc, argv, [&] { return flags.page(); })) return 0;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--help" || std::string_view(argv[i]) == "-h") {
      print_result("{}", flags.help());
      return 0;
    }
  }
  std::string file = early_setting(argc, argv, "export_file_name");
  if (file.empty()) file = early_setting(argc, argv, "exported_file");
  check(!file.empty(), "--export_file_name is missing: the exported model");
  check(!early_setting(argc, argv, "eval_data_file_path").empty() ||
            !early_setting(argc, argv, "eval_json_path").empty(),
        "--eval_data_file_path is missing: data to score the model on");
  const std::string program = program_for(onnx::read_header(file.ends_with(".onnx") ? file : file + ".onnx"));
  const std::filesystem::path path = std::filesystem::read_symlink("/proc/self/exe").parent_path() / program;
  // In the programs' settings files export_file_name is what export writes, and no wish to run it.
  std::vector<std::string> words{path.string(), "--do_train=false", "--do_predict=false", "--do_eval=true",
                                 "--exported_file=" + file};
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const bool is_file = word == "--export_file_name" || word == "--exported_file";
    if (is_file) ++i;
    else if (!word.starts_with("--export_file_name=") && !word.starts_with("--exported_file="))
      words.emplace_back(word);
  }
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  ::execv(path.c_str(), pointers.data());
  fail("cannot start '{}': {}", path.string(), std::strerror(errno));
}

}  // namespace

int main(int argc, char** argv) { return run_main(argc, argv, run); }
