// convert_checkpoint: writes a BERT checkpoint of one framework as that of another.
#include <algorithm>
#include <filesystem>
#include <optional>

#include "core/io/files.h"
#include "core/io/hub_folder.h"
#include "core/joined.h"
#include "nn/checkpoints/checkpoint_names.h"
#include "nn/checkpoints/model_tensors.h"
#include "tasks/log/phase.h"
#include "tasks/main.h"
#include "tasks/options/arguments.h"
#include "tasks/output_lock.h"

using namespace gradus;
namespace fs = std::filesystem;

namespace {

CheckpointFormat parse_format(const std::string& name) {
  for (const CheckpointFormat format :
       {CheckpointFormat::safetensors, CheckpointFormat::mindspore, CheckpointFormat::tensorflow}) {
    if (name == name_of(format)) return format;
  }
  fail("--to {}: expected safetensors, mindspore or tensorflow", name);
}

void list(const char* what, const std::vector<std::string>& names) {
  if (!names.empty()) print_log(stdout, "{}: {} ({})\n", what, joined(names, ", "), names.size());
}

// The weights that hold no floats, as those of damaged and of quantized files: nothing here makes floats of them.
// Throws Error when there are some, unless they may be missing.
std::vector<std::string> check_floats(const ModelTensors& model, bool allow_missing) {
  std::vector<std::string> others;
  for (const ModelTensors::Tensor& tensor : model.tensors()) {
    if (!model.is_float(tensor)) others.push_back(tensor.name);
  }
  check(others.empty() || allow_missing,
        "{}: {} of {} weights hold no floats and can't be converted (--allow_missing leaves them out): {}",
        model.path(), others.size(), model.tensors().size(), joined(others, ", "));
  return others;
}

// Throws Error when a weight of the encoder is missing: the file is no BERT checkpoint, or not all of one.
void check_encoder(const ModelTensors& model, const std::string& path) {
  int64_t layers = 1;
  for (const ModelTensors::Tensor& tensor : model.tensors())
    layers = std::max(layers, layer_of(tensor.name) + 1);
  for (const std::string& name : encoder_names(layers)) {
    check(model.find(name) != nullptr,
          "{}: no tensor is {}: the encoder is not whole (--allow_missing converts what is there)", path,
          name);
  }
}

// Says so when the same weights give other scores in the program that the file is of or for.
void note_tanh(const ModelTensors& model, CheckpointFormat target) {
  const ModelTensors::Tensor* classifier = model.find("classifier.weight");
  if (classifier == nullptr || model.format() == target) return;
  const bool for_crf = target == CheckpointFormat::tensorflow && model.find("crf.transitions") != nullptr;
  if (!for_crf && classifier->source != "project/logits/W") return;
  print_log(stdout,
            "note: macanv/BERT-BiLSTM-CRF-NER, which has project/logits, takes tanh of the classifier's "
            "output, others do not\n");
}

// Says which files that a model's folder needs beside the weights were not written.
void note_other_files(const fs::path& from, const fs::path& to) {
  const fs::path given = hub_snapshot(from.string()),
                 folder = fs::is_directory(given) ? given : given.parent_path();
  std::vector<std::string> left;
  for (const char* name : {"config.json", "bert_config.json", "vocab.txt", "tokenizer.json",
                           "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"}) {
    if (fs::exists(folder / name) && !fs::exists(to.parent_path() / name)) left.emplace_back(name);
  }
  if (!left.empty())
    print_log(stdout, "note: only weights are converted; a model's folder needs {} of '{}' beside them\n",
              joined(left, ", "), folder.string());
}

// Throws Error for a name that readers would not take for this format, and for a file that is there.
void check_output(const std::string& path, CheckpointFormat format, bool overwrite) {
  const auto expect = [&](const char* ending) {
    check(path.ends_with(ending), "'{}': expected a name that ends with {}", path, ending);
  };
  if (format == CheckpointFormat::safetensors) expect(".safetensors");
  if (format == CheckpointFormat::mindspore) expect(".ckpt");
  const bool is_tensorflow = format == CheckpointFormat::tensorflow;
  check(!is_tensorflow || !path.ends_with(".index"),
        "'{}': expected what the names of two files begin with, without .index", path);
  const std::string file = is_tensorflow ? path + ".index" : path;
  check(overwrite || !fs::exists(file), "'{}' is there already: --overwrite replaces it", file);
  check_writable(file);
}

int run(int argc, char** argv) {
  std::string from, to, format;
  bool allow_missing = false, overwrite = false;
  Arguments arguments(
      "convert_checkpoint",
      "Writes a BERT checkpoint of one framework as that of another: names, layouts and CRF as that one's "
      "programs\n"
      "expect them, numbers as float32.",
      "convert_checkpoint --to mindspore uncased_L-12_H-768_A-12/bert_model.ckpt bert.ckpt");
  arguments.require("input", from, checkpoint_paths, PageOption::Value::file);
  arguments.require("output", to, "file to write; of TensorFlow what its two files' names begin with",
                    PageOption::Value::file);
  arguments.require("--to", format, "safetensors (Hugging Face), mindspore or tensorflow",
                    PageOption::Value::text, {"safetensors", "mindspore", "tensorflow"});
  arguments.add_flag(
      "--allow_missing", allow_missing,
      "convert what is there even when the encoder is not whole or some weights are no floats");
  arguments.add_flag("--overwrite", overwrite, "replace a file that is there");
  if (const std::optional<int> status = arguments.parse(argc, argv, exit_failure)) return *status;
  const CheckpointFormat target = parse_format(format);
  const ModelTensors model(from);
  if (!allow_missing) check_encoder(model, from);
  const std::vector<std::string> no_floats = check_floats(model, allow_missing);
  const OutputLock lock(to);
  check_output(to, target, overwrite);
  const std::vector<std::string> no_place = [&] {
    const Phase phase(fmt::format("converting {}", from));
    return write_model_tensors(model, target, to);
  }();
  list("not of a model we know, left out", model.unknown());
  list("not floats, left out", no_floats);
  list("without a place in that format, left out", no_place);
  note_tanh(model, target);
  note_other_files(from, to);
  const size_t all = model.tensors().size() + model.unknown().size();
  print_log(stdout, "convert value num:  {}  of  {}\n",
            model.tensors().size() - no_floats.size() - no_place.size(), all);
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return run_main(argc, argv, run); }
