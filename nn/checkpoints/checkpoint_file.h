// The tensors of a checkpoint, whichever framework wrote it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nn/checkpoints/tensor_entry.h"

namespace gradus {

enum class CheckpointFormat : uint8_t { safetensors, mindspore, tensorflow, pytorch };

std::string_view name_of(CheckpointFormat format);  // "safetensors", "mindspore", "tensorflow", "pytorch"

// What the path of one may be, for help pages.
constexpr const char* checkpoint_paths =
    "*.safetensors, *.bin of PyTorch, the *.index.json of several, *.ckpt of MindSpore, the prefix or "
    "*.index of "
    "TensorFlow, or a folder with one of them";

class CheckpointFile {
 public:
  // `path` is a safetensors file, a file of PyTorch's torch.save (*.bin, *.pt, *.pth), the index of several of either
  // (*.index.json), a MindSpore checkpoint (*.ckpt), what the files of a TensorFlow checkpoint begin with or its *.index,
  // a folder with one of them, or a folder of the hub's cache (core/io/hub_folder.h). Of a folder's files those that
  // transformers loads count, model.safetensors before pytorch_model.bin; of others there has to be one. Throws Error,
  // naming the file, when there is none, when a folder has several, and when it is damaged.
  explicit CheckpointFile(const std::string& path);
  ~CheckpointFile();
  CheckpointFile(const CheckpointFile&) = delete;
  CheckpointFile& operator=(const CheckpointFile&) = delete;

  CheckpointFormat format() const { return format_; }
  // The format whose names the tensors have: MindSpore saves safetensors files, too, and PyTorch's have those of
  // safetensors.
  CheckpointFormat names() const;
  // The file, the index of several, or what the names of TensorFlow's files begin with.
  const std::string& path() const { return path_; }
  const std::vector<std::string>& files() const {
    return files_;
  }  // all there are, but not the index of several
  // In the order of the file. Their data lives as long as this object.
  const std::vector<TensorEntry>& tensors() const { return tensors_; }
  const std::vector<StringTensor>& strings() const { return strings_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }  // of safetensors
  uint64_t header_bytes() const { return header_bytes_; }  // of all files of safetensors
  bool has_checksum() const { return has_checksum_; }      // of MindSpore's

 private:
  struct Reader;  // keeps the data

  void open_pytorch();

  CheckpointFormat format_;
  std::string path_;
  std::vector<std::string> files_;
  std::unique_ptr<Reader> reader_;
  std::vector<TensorEntry> tensors_;
  std::vector<StringTensor> strings_;
  std::map<std::string, std::string> metadata_;
  uint64_t header_bytes_ = 0;
  bool has_checksum_ = false;
};

}  // namespace gradus
