// Models whose weights are in files of PyTorch: begun with, trained, used and served as those in safetensors.
#include <doctest/doctest.h>

#include "nn/checkpoints/safetensors.h"
#include "tests/json.h"
#include "tests/nn/pytorch_file.h"
#include "tests/tasks/tiny_ner.h"

using namespace gradus;
namespace fs = std::filesystem;

namespace {

// Puts a model's weights into pytorch_model.bin, or into two files with an index, in place of model.safetensors.
void rewrite(const fs::path& folder, bool in_parts = false) {
  {
    const SafetensorsFile file((folder / "model.safetensors").string());
    const std::span<const TensorEntry> all(file.tensors());
    if (!in_parts) {
      write_file(folder / "pytorch_model.bin", torch_file::archive_of(all));
    } else {
      Json map = Json::object();
      for (const auto& [name, part] : {std::pair("a.bin", all.first(3)), {"b.bin", all.subspan(3)}}) {
        write_file(folder / name, torch_file::archive_of(part));
        for (const TensorEntry& tensor : part) map[tensor.name] = name;
      }
      write_file(folder / "pytorch_model.bin.index.json", json_text({{"weight_map", map}}));
    }
  }
  fs::remove(folder / "model.safetensors");
}

void copy_folder(const fs::path& from, const fs::path& to) {
  fs::create_directories(to.parent_path());
  fs::copy(from, to, fs::copy_options::recursive);
}

}  // namespace

TEST_CASE("a trained model is the same from pytorch_model.bin, in one file or several") {
  const TinyNer tiny;
  tiny.print(tiny.training({"--max_steps=6", "--use_crf"}));
  const std::string text = "Anna lives in Alden .\nBoris met Clara ?\n";
  const std::string expected = tiny.print(tiny.predicting(tiny.path("save/best")), text);
  for (const bool in_parts : {false, true}) {
    CAPTURE(in_parts);
    const std::string folder = tiny.path(in_parts ? "parts" : "one");
    copy_folder(tiny.path("save/best"), folder);
    rewrite(folder, in_parts);
    CHECK(tiny.print(tiny.predicting(folder), text) == expected);
  }
  const std::string damaged = tiny.path("one/pytorch_model.bin");
  write_file(damaged, file_content(damaged).substr(0, 5000));
  tiny.refuse(tiny.predicting(tiny.path("one")), damaged + ": the archive has no end: it was cut off", text);
  fs::remove(tiny.path("parts/b.bin"));
  tiny.refuse(tiny.predicting(tiny.path("parts")), "cannot read '" + tiny.path("parts/b.bin") + "'", text);
}

TEST_CASE("a training begins with weights of PyTorch wherever they lie as it does with safetensors") {
  const TinyNer tiny;
  tiny.print(tiny.training({"--max_steps=2"}));
  const std::string model = tiny.path("save/best");
  const auto weights_after = [&](const std::string& from) {
    const std::string save = "--save_finetune_checkpoint_path=" + tiny.path("begun");
    tiny.print(tiny.beginning_with(from, {save, "--vocab_file_path="}));
    const std::string weights = file_content(tiny.path("begun/checkpoint-2/model.safetensors"));
    fs::remove_all(tiny.path("begun"));
    return weights;
  };
  const std::string expected = weights_after(model);
  // A folder of the hub's cache, whose files are links.
  const fs::path hub = tiny.path("models--org--name"), snapshot = hub / "snapshots/0abc";
  copy_folder(model, hub / "blobs");
  rewrite(hub / "blobs", true);
  fs::create_directories(snapshot);
  for (const auto& entry : fs::directory_iterator(hub / "blobs"))
    fs::create_symlink("../../blobs/" + entry.path().filename().string(), snapshot / entry.path().filename());
  for (const fs::path& from : {hub, snapshot, snapshot / "pytorch_model.bin.index.json"}) {
    CAPTURE(from);
    CHECK(weights_after(from) == expected);
  }
  // A folder that a training of another program saved to, with its state beside the weights.
  const fs::path other = tiny.path("other/checkpoint-500");
  copy_folder(model, other);
  rewrite(other);
  for (const char* name : {"optimizer.pt", "scheduler.pt", "rng_state.pth", "training_args.bin"})
    write_file(other / name, "of another program");
  write_file(other / "trainer_state.json", R"({"best_metric": null, "epoch": 1.0, "global_step": 500})");
  for (const fs::path& from : {other, other / "pytorch_model.bin"}) {
    CAPTURE(from);
    CHECK(weights_after(from) == expected);
  }
}
