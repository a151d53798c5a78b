// What a file of torch.save says of its tensors' memory: its storages, and the views of them that tensors are.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nn/checkpoints/pickle.h"
#include "nn/checkpoints/zip_archive.h"

namespace gradus {

// What such a file may name.
Pickle::Names pytorch_names();

// Whether a value of its pickle is a tensor.
bool is_tensor(const PickleValue& value);

class PyTorchStorages {
 public:
  struct Storage {
    std::string_view dtype;  // as TensorEntry has it; empty where the tensor says it
    int64_t elements = 0;    // of one byte where there is no type
    std::optional<std::string_view> content;
  };
  // A tensor as its pickle describes it.
  struct View {
    std::string_view dtype;
    std::string_view storage;  // the bytes
    int64_t offset = 0;        // of the first element, in elements
    std::vector<int64_t> shape, strides;
  };

  // Of the storages that the pickle names. Throws Error naming `path`.
  PyTorchStorages(const Pickle& pickle, std::string path);

  // Where the content is: in an archive, below `prefix`, or behind one another from byte `begin` on, each behind its length, in
  // the order of `keys`.
  void find_in(const ZipArchive& archive, const std::string& prefix);
  void find_in(std::string_view file, size_t begin, const PickleValue& keys);

  // The view that a value is, which is_tensor(). Throws Error "<where>: ..." when it is no view of a storage.
  View view_of(const PickleValue& value, const std::string& where);

 private:
  std::string_view content_of(std::string_view key, const std::string& where);

  std::string path_;
  std::map<std::string_view, Storage> storages_;
  const ZipArchive* archive_ = nullptr;
  std::string prefix_;
};

}  // namespace gradus
