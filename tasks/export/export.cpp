// export: writes a trained model as a file that other programs run.
#include <unistd.h>

#include <algorithm>

#include "core/io/files.h"
#include "nn/export/mindir_builder.h"
#include "nn/export/onnx_builder.h"
#include "tasks/export/exported_model.h"
#include "tasks/log/phase.h"
#include "tasks/main.h"
#include "tasks/output_lock.h"

using namespace gradus;
namespace fs = std::filesystem;

namespace {

constexpr const char* purpose =
    "Writes a model as an ONNX file, which runtimes such as ONNX Runtime and OpenVINO take, or as a MINDIR "
    "file for MindSpore.\n"
    "Inputs are input_ids, attention_mask and token_type_ids (input_ids, input_mask and token_type_id of a "
    "MINDIR file), outputs\n"
    "have the names that transformers gives them.";
constexpr const char* example =
    "export --load_finetune_checkpoint_path ner_finetune/ckpt --export_file_name names/model.onnx\n"
    "export --load_finetune_checkpoint_path ner_finetune/ckpt --viterbi --compute_type fp16\n"
    "export --load_finetune_checkpoint_path ner_finetune/ckpt --file_format MINDIR --seq_length 64";

// The files beside the model are written into a folder of their own first, so that none of another model is replaced.
class Settings {
 public:
  Settings(const ExportedModel& model, const fs::path& target, bool overwrite)
      : draft_(target / fmt::format(".export{}{}", temporary_mark, ::getpid())), target_(target) {
    fs::create_directories(draft_);
    try {
      model.save_settings(draft_);
      for (const fs::directory_entry& entry : fs::directory_iterator(draft_)) {
        names_.push_back(entry.path().filename().string());
        const fs::path old = target / names_.back();
        check(overwrite || !fs::exists(old) || read_file(old) == read_file(entry.path()),
              "'{}' is there already, and another model's: --overwrite replaces it", old.string());
      }
    } catch (...) {
      fs::remove_all(draft_);
      throw;
    }
    std::ranges::sort(names_);
  }
  ~Settings() {
    std::error_code ignored;
    fs::remove_all(draft_, ignored);
  }
  Settings(const Settings&) = delete;
  Settings& operator=(const Settings&) = delete;

  void commit() const {
    for (const std::string& name : names_) replace_file(target_ / name, read_file(draft_ / name));
  }
  const std::vector<std::string>& names() const { return names_; }

 private:
  fs::path draft_, target_;
  std::vector<std::string> names_;
};

fs::path path_of(const ExportOptions& options, const ExportedModel& model) {
  const std::string name = options.export_file_name.empty() ? model.usual_name() : options.export_file_name;
  const char* ending = options.is_mindir() ? ".mindir" : ".onnx";
  return name.ends_with(ending) ? name : name + ending;
}

std::unique_ptr<GraphBuilder> builder_of(const ExportOptions& options, const ExportedModel& model) {
  if (options.is_mindir())
    return std::make_unique<MindIrBuilder>(model.usual_name(), model.weights(), options.dtype(),
                                           options.export_batch_size, options.seq_length);
  return std::make_unique<OnnxBuilder>(path_of(options, model).stem().string(), model.weights(),
                                       options.dtype(),
                                       OnnxBuilder::Sizes{options.export_batch_size, options.seq_length});
}

int run(int argc, char** argv) {
  ExportOptions options;
  Options flags("export", purpose, example);
  options.declare(flags);
  if (!flags.parse(argc, argv)) return 0;
  options.finish(flags);
  flags.print_effective(stdout);
  const std::unique_ptr<ExportedModel> model = [&] {
    const Phase phase(fmt::format("loading {}", options.load_finetune_checkpoint_path));
    return ExportedModel::open(options);
  }();
  const GraphFile target{path_of(options, *model), model->metadata(), options.external_data};
  const fs::path folder = target.path.has_parent_path() ? target.path.parent_path() : fs::path(".");
  make_folder(folder);
  const OutputLock lock(target.path);
  const std::unique_ptr<GraphBuilder> graph = builder_of(options, *model);
  model->build(*graph);
  const std::vector<fs::path> files = graph->files(target);
  for (const fs::path& file : files)
    check(options.overwrite || !fs::exists(file), "'{}' is there already: --overwrite replaces it",
          file.string());
  const Settings settings(*model, folder, options.overwrite);
  {
    const Phase phase(fmt::format("writing {}", target.path.string()));
    graph->write(target);
  }
  settings.commit();
  print_log(stdout, "'{}' is {}\n", options.load_finetune_checkpoint_path, model->description());
  for (const fs::path& file : files)
    print_log(stdout, "wrote {}: {:.1f} MiB\n", file.string(),
              static_cast<double>(fs::file_size(file)) / (1 << 20));
  for (const std::string& beside : settings.names())
    print_log(stdout, "wrote {}\n", (folder / beside).string());
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return run_main(argc, argv, run); }
