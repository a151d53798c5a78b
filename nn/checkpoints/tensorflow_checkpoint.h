// TensorFlow checkpoints, version 2: PREFIX.index, a sorted table from names to places, and PREFIX.data-00000-of-00001
// (or more of them) with the numbers. tensorflow/core/util/tensor_bundle/tensor_bundle.h
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/io/files.h"
#include "nn/checkpoints/tensor_entry.h"

namespace gradus {

class TensorFlowCheckpoint {
 public:
  // `path` is the prefix, or the name of the index file. Checks all checksums. Throws Error, naming the file and the
  // tensor, when something is damaged, missing, or of a type that no TensorEntry has.
  explicit TensorFlowCheckpoint(const std::string& path);
  ~TensorFlowCheckpoint();
  TensorFlowCheckpoint(const TensorFlowCheckpoint&) = delete;
  TensorFlowCheckpoint& operator=(const TensorFlowCheckpoint&) = delete;

  // In the order of their names. A variable that was saved in slices is whole here.
  const std::vector<TensorEntry>& tensors() const { return tensors_; }
  const std::vector<StringTensor>& strings() const { return strings_; }
  // The tensor of that name, or null.
  const TensorEntry* find(std::string_view name) const;
  // The data files, then the index.
  std::vector<std::string> files() const;

 private:
  struct Entry;
  using Entries = std::map<std::string, Entry, std::less<>>;

  Entries read_index(int64_t& shards);
  void open_shards(int64_t count);
  std::span<const std::byte> bytes_of(const Entry& entry, const std::string& where) const;
  void add(const std::string& name, const Entry& entry, const Entries& entries);
  void add_string(const std::string& name, const Entry& entry, const std::string& where);
  std::span<const std::byte> join(const std::string& name, const std::string& dtype, const Entry& entry,
                                  const Entries& entries, const std::string& where);

  std::string prefix_;
  std::vector<std::unique_ptr<MappedFile>> shards_;
  std::vector<TensorEntry> tensors_;
  std::vector<StringTensor> strings_;
  std::map<std::string, std::string> joined_;  // bytes of the variables that were saved in slices
};

// Writes PREFIX.index and PREFIX.data-00000-of-00001. Throws Error when a tensor's bytes don't fit its shape, a name
// occurs twice, and when a file can't be written.
void write_tensorflow_checkpoint(const std::string& prefix, std::span<const TensorEntry> tensors);

}  // namespace gradus
