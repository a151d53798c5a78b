// Files of PyTorch's torch.save (pytorch_model.bin, *.pt, *.pth): a pickle that says which tensors there are, and their
// storages. Since version 1.6 a zip archive: NAME/data.pkl, NAME/byteorder, NAME/data/KEY, ... Before, and when asked for, five
// pickles (a magic number, a version, the machine, the object, the keys of the storages), then each storage behind its length.
// Layout: torch/serialization.py, torch/_utils.py
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "core/io/files.h"
#include "nn/checkpoints/pytorch_storages.h"
#include "nn/checkpoints/tensor_entry.h"

namespace gradus {

// Whether a file begins as those that torch.save writes; core/io/file_kind.h says how many bytes are enough.
bool is_pytorch_file(std::string_view first_bytes);

class PyTorchCheckpoint {
 public:
  // Opens a file. Its tensors are those of a dict from names to tensors, or of one that such a dict holds as "state_dict",
  // "model_state_dict", "model" or "module", as checkpoints of trainings do; what else is in it is left. Nothing in the
  // file is run. Throws Error, naming file, byte or tensor, when it is damaged, when it names anything but tensors and
  // plain containers, when a view leaves its storage, and when a tensor's type is none that a TensorEntry has.
  explicit PyTorchCheckpoint(const std::string& path);

  const std::string& path() const { return path_; }
  // In the order of the file. They point into it; those whose numbers don't lie there in a row have memory of their own.
  const std::vector<TensorEntry>& tensors() const { return tensors_; }

 private:
  void open_archive();
  void open_pickles();
  void take_tensors(const PickleValue& root, PyTorchStorages& storages);
  std::span<const std::byte> bytes_of(const PyTorchStorages::View& view, const std::string& where);

  std::string path_;
  MappedFile file_;
  bool swapped_ = false;  // the highest byte of a number is the first
  std::vector<TensorEntry> tensors_;
  std::deque<std::string> gathered_;  // bytes of the tensors that are not as they lie in the file
  uint64_t gathered_bytes_ = 0;
};

}  // namespace gradus
