// convert_checkpoint: writes a BERT checkpoint of one framework as that of another.
#include <CLI/CLI.hpp>

#include <filesystem>

#include "core/files.h"
#include "nn/model_tensors.h"
#include "tasks/main.h"

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
  if (!names.empty()) fmt::print("{}: {}\n", what, fmt::join(names, ", "));
}

// An encoder is what starts with "bert."; without one the file is no BERT checkpoint, or of another layout.
void check_encoder(const ModelTensors& model, const std::string& path) {
  for (const char* name :
       {"bert.embeddings.word_embeddings.weight", "bert.embeddings.position_embeddings.weight",
        "bert.embeddings.LayerNorm.weight", "bert.encoder.layer.0.attention.self.query.weight"}) {
    check(model.find(name) != nullptr,
          "{}: no tensor is {}: not the whole encoder (--allow_missing converts it yet)", path, name);
  }
}

int run(int argc, char** argv) {
  std::string from, to, format;
  bool allow_missing = false;
  CLI::App app(
      "Writes a BERT checkpoint of one framework as that of another: names, layouts and CRF as that one's "
      "programs\n"
      "expect them, numbers as float32.\n"
      "Example: convert_checkpoint --to mindspore uncased_L-12_H-768_A-12/bert_model.ckpt bert.ckpt");
  app.add_option("input", from,
                 "*.safetensors, *.ckpt of MindSpore, the prefix or *.index of TensorFlow, or a folder with "
                 "one of them")
      ->required();
  app.add_option("output", to, "file to write; of TensorFlow what its two files' names begin with")
      ->required();
  app.add_option("--to", format, "safetensors (Hugging Face), mindspore or tensorflow")->required();
  app.add_flag("--allow_missing", allow_missing, "convert what is there even when the encoder is not whole");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : exit_failure;
  }
  const CheckpointFormat target = parse_format(format);
  const ModelTensors model(from);
  if (!allow_missing) check_encoder(model, from);
  if (target != CheckpointFormat::tensorflow) check_writable(to);
  const std::vector<std::string> left = write_model_tensors(model, target, to);
  list("not of a model we know, left out", model.unknown());
  list("without a place in that format, left out", left);
  const size_t all = model.tensors().size() + model.unknown().size();
  fmt::print("convert value num:  {}  of  {}\n", model.tensors().size() - left.size(), all);
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return run_main(argc, argv, run); }
