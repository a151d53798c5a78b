#include "nn/checkpoints/checkpoint_file.h"

#include <algorithm>
#include <deque>
#include <filesystem>
#include <optional>

#include "core/io/file_kind.h"
#include "core/io/files.h"
#include "core/io/hub_folder.h"
#include "core/joined.h"
#include "nn/checkpoints/mindspore_checkpoint.h"
#include "nn/checkpoints/pytorch_checkpoint.h"
#include "nn/checkpoints/safetensors.h"
#include "nn/checkpoints/shard_index.h"
#include "nn/checkpoints/tensorflow_checkpoint.h"

namespace gradus {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view index_ending = ".index", pytorch_index_ending = ".bin.index.json";

struct Place {
  CheckpointFormat format;
  std::string path;
};

// What a name of a file or of a TensorFlow prefix stands for; nothing when no checkpoint has such a name.
std::optional<Place> place_of(const std::string& path) {
  if (path.ends_with(".safetensors") || path.ends_with(".safetensors.index.json"))
    return Place{CheckpointFormat::safetensors, path};
  if (path.ends_with(".bin") || path.ends_with(".pt") || path.ends_with(".pth") ||
      path.ends_with(pytorch_index_ending))
    return Place{CheckpointFormat::pytorch, path};
  if (path.ends_with(index_ending))
    return Place{CheckpointFormat::tensorflow, path.substr(0, path.size() - index_ending.size())};
  // Programs over PyTorch call theirs whatever they like.
  if (fs::is_regular_file(path) && is_pytorch_file(MappedFile(path, 0, file_kind_bytes).text()))
    return Place{CheckpointFormat::pytorch, path};
  // A file of this very name counts before a prefix of TensorFlow's, which may be beside it.
  if (path.ends_with(".ckpt") && fs::exists(path)) return Place{CheckpointFormat::mindspore, path};
  if (fs::exists(path + std::string(index_ending))) return Place{CheckpointFormat::tensorflow, path};
  return std::nullopt;
}

Place place_in(const std::string& folder) {
  for (const char* name : {"model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
                           "pytorch_model.bin.index.json"}) {
    const std::string path = (fs::path(folder) / name).string();
    if (fs::exists(path)) return *place_of(path);
    check(!fs::is_symlink(path), "{}: a link to a file that is not there: download it again", path);
  }
  std::vector<std::string> found;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().string();
    if (!entry.is_regular_file()) continue;
    if (name.ends_with(index_ending) || name.ends_with(".ckpt")) found.push_back(name);
  }
  std::sort(found.begin(), found.end());
  check(!found.empty(),
        "{}: no model.safetensors, no pytorch_model.bin, no *.index (TensorFlow) and no *.ckpt (MindSpore)",
        folder);
  check(found.size() == 1, "{}: several checkpoints, name one of them: {}", folder, joined(found, ", "));
  return *place_of(found.front());
}

Place find_place(const std::string& given) {
  const std::string path = hub_snapshot(given);
  if (fs::is_directory(path)) return place_in(path);
  const std::optional<Place> place = place_of(path);
  if (place) return *place;
  check(fs::exists(path), "cannot read '{}': no such file, and no {}{}", path, path, index_ending);
  constexpr std::string_view names =
      "*.safetensors, *.bin of PyTorch, *.index.json of several, *.ckpt of MindSpore, or *.index of "
      "TensorFlow";
  check_file_kind(MappedFile(path).text(), path, names);
  fail("{}: expected {}", path, names);
}

}  // namespace

std::string_view name_of(CheckpointFormat format) {
  switch (format) {
    case CheckpointFormat::safetensors:
      return "safetensors";
    case CheckpointFormat::mindspore:
      return "mindspore";
    case CheckpointFormat::tensorflow:
      return "tensorflow";
    case CheckpointFormat::pytorch:
      return "pytorch";
  }
  return "";
}

struct CheckpointFile::Reader {
  std::optional<SafetensorsModel> safetensors;
  std::optional<MindSporeCheckpoint> mindspore;
  std::optional<TensorFlowCheckpoint> tensorflow;
  std::deque<PyTorchCheckpoint> pytorch;
};

CheckpointFile::CheckpointFile(const std::string& path) : reader_(std::make_unique<Reader>()) {
  const Place place = find_place(path);
  format_ = place.format;
  path_ = place.path;
  switch (format_) {
    case CheckpointFormat::safetensors:
      for (const SafetensorsFile& file : reader_->safetensors.emplace(place.path).files()) {
        tensors_.insert(tensors_.end(), file.tensors().begin(), file.tensors().end());
        metadata_.insert(file.metadata().begin(), file.metadata().end());
        header_bytes_ += file.header_bytes();
        files_.push_back(file.path());
      }
      break;
    case CheckpointFormat::mindspore:
      tensors_ = reader_->mindspore.emplace(place.path).tensors();
      strings_ = reader_->mindspore->strings();
      has_checksum_ = reader_->mindspore->has_checksum();
      files_ = {path_};
      break;
    case CheckpointFormat::tensorflow:
      tensors_ = reader_->tensorflow.emplace(place.path).tensors();
      strings_ = reader_->tensorflow->strings();
      files_ = reader_->tensorflow->files();
      break;
    case CheckpointFormat::pytorch:
      open_pytorch();
      break;
  }
}

void CheckpointFile::open_pytorch() {
  const auto add = [&](const std::string& path) {
    const PyTorchCheckpoint& file = reader_->pytorch.emplace_back(path);
    tensors_.insert(tensors_.end(), file.tensors().begin(), file.tensors().end());
    files_.push_back(path);
    return std::span(file.tensors());
  };
  if (!path_.ends_with(pytorch_index_ending)) {
    add(path_);
    return;
  }
  const ShardIndex index(path_, ".bin");
  for (const std::string& name : index.files()) index.check_tensors(name, add(index.path_of(name)));
}

CheckpointFile::~CheckpointFile() = default;

CheckpointFormat CheckpointFile::names() const {
  const auto framework = metadata_.find("format");  // "pt" is PyTorch
  if (framework != metadata_.end() && framework->second == "ms") return CheckpointFormat::mindspore;
  return format_ == CheckpointFormat::pytorch ? CheckpointFormat::safetensors : format_;
}

}  // namespace gradus
