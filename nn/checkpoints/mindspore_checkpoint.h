// MindSpore checkpoints (*.ckpt): one protocol buffer with a message for each tensor, or for each part of a large one.
//   Checkpoint { 1: repeated Value }   Value { 1: name, 2: TensorProto }
//   TensorProto { 1: repeated int64 dims, 2: element type, 3: bytes }
// mindspore/ccsrc/utils/checkpoint.proto
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/io/files.h"
#include "nn/checkpoints/tensor_entry.h"

namespace gradus {

class MindSporeCheckpoint {
 public:
  // Opens a checkpoint. Throws Error, naming the file and the tensor, when it is damaged, its checksum is wrong, or a
  // tensor has a type that no TensorEntry has.
  explicit MindSporeCheckpoint(const std::string& path);

  // In the order of the file; they point into it.
  const std::vector<TensorEntry>& tensors() const { return tensors_; }
  const std::vector<StringTensor>& strings() const { return strings_; }
  // The tensor of that name, or null.
  const TensorEntry* find(std::string_view name) const;
  bool has_checksum() const { return has_checksum_; }

 private:
  struct Part;
  void add(const Part& part);
  void complete() const;

  std::string path_;
  MappedFile file_;
  std::vector<TensorEntry> tensors_;
  std::vector<StringTensor> strings_;
  std::map<std::string, size_t, std::less<>> index_;  // name to position in tensors_
  std::map<std::string, std::string> joined_;         // bytes of the tensors that are in several parts
  bool has_checksum_ = false;
};

struct MindSporeOptions {
  bool checksum = false;           // MindSpore writes and compares one only when asked to
  size_t part_bytes = 512U << 20;  // larger tensors are cut
};

// Throws Error when a tensor's bytes don't fit its shape, a name occurs twice, and when the file can't be written;
// `path` is then as it was before.
void write_mindspore_checkpoint(const std::string& path, std::span<const TensorEntry> tensors,
                                const MindSporeOptions& options = {});

}  // namespace gradus
