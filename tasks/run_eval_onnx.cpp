// run_eval_onnx: scores an exported model, as run_ner, run_classifier or run_squad scores its own.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "core/error.h"
#include "tasks/driver.h"
#include "tasks/main.h"
#include "tasks/model/exported_run.h"

using namespace gradus;

namespace {

constexpr const char* help =
    "Scores a file that export has written, run by another program's library (docs/export.md), on evaluation "
    "data:\n"
    "what run_ner, run_classifier or run_squad, whichever the file is for, does with --do_eval. Takes all "
    "options of that\n"
    "program.\n\n"
    "  run_eval_onnx --export_file_name names/model.onnx --eval_data_file_path dev.txt\n\n"
    "  --export_file_name FILE      the exported model; .onnx may be left out\n"
    "  --eval_data_file_path FILE   data to score it on\n"
    "  --onnx_runtime NAME          the library: auto (the first that was there to build with), onnxruntime, "
    "openvino\n"
    "  --config_path FILE           a YAML file with these and other settings\n"
    "  --version                    say which version this is\n";

std::string program_for(const onnx::Header& header) {
  const std::string& task = header.text("task");
  const auto found = std::ranges::find(exported_tasks, task, &ExportedTask::name);
  check(found != std::end(exported_tasks),
        "{}: a model for the task {}: expected a tagger, a classifier or a model of answers", header.path,
        task);
  return std::string(found->program);
}

int run(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--help") {
      print_result("{}", help);
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
