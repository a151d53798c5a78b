// Reader and writer of safetensors files: an 8-byte length, that many bytes of JSON that name each tensor, its
// type, shape and place, then the tensors. Layout: https://github.com/huggingface/safetensors
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/io/files.h"
#include "nn/checkpoints/tensor_entry.h"

namespace gradus {

constexpr size_t safetensors_length_bytes = 8;
constexpr uint64_t safetensors_max_header_bytes = 100'000'000;  // the reference reader's limit

// A file that is mapped into memory, not read: its bytes are loaded when they are touched. It must not change
// while this object lives.
class SafetensorsFile {
 public:
  // Throws Error, naming the file and the tensor, when the file can't be opened or breaks the format in any
  // way: the whole header is checked here, so that entries can be trusted.
  explicit SafetensorsFile(const std::string& path);

  const std::string& path() const { return path_; }
  const std::vector<TensorEntry>& tensors() const { return tensors_; }  // in the order of their bytes
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  uint64_t header_bytes() const { return header_bytes_; }  // of the JSON
  // The tensor of that name, or null.
  const TensorEntry* find(std::string_view name) const;

 private:
  void parse_header(std::string_view header, std::span<const std::byte> data);

  std::string path_;
  std::shared_ptr<const MappedFile> mapping_;  // what the entries' data point into
  std::vector<TensorEntry> tensors_;
  std::map<std::string, size_t, std::less<>> index_;  // name to position in tensors_
  std::map<std::string, std::string> metadata_;
  uint64_t header_bytes_ = 0;
};

// The tensors of a model that lies in one safetensors file, or in several with an index.
class SafetensorsModel {
 public:
  // `path` is a file *.safetensors, an index *.safetensors.index.json, or a folder that holds one of them as
  // model.safetensors or model.safetensors.index.json. Throws Error when there is none, when a file is broken,
  // and when index and files disagree about which tensor is where.
  explicit SafetensorsModel(const std::string& path);

  const std::vector<SafetensorsFile>& files() const { return files_; }
  // The tensor of that name, or null.
  const TensorEntry* find(std::string_view name) const;

 private:
  void open_shards(const std::string& index_path);

  std::vector<SafetensorsFile> files_;
};

// Writes the tensors in the order of the reference writer (widest type first, then by name), straight from
// their memory. Other libraries read "format" in the metadata: "pt" says that names and layouts are PyTorch's.
// Throws Error when a tensor's bytes don't fit its shape, when a name occurs twice, and with the path and
// the system's reason when the file can't be written; `path` is then as it was before.
void write_safetensors(const std::string& path, std::span<const TensorEntry> tensors,
                       const std::map<std::string, std::string>& metadata = {{"format", "pt"}});

// What the header of a file says of a tensor.
struct TensorHeader {
  std::string name;
  std::string dtype;
  std::vector<int64_t> shape;
};
// The same for tensors whose bytes are made while the file is written: write(file, i) has to write those of tensors[i].
void write_safetensors(const std::string& path, std::span<const TensorHeader> tensors,
                       const std::map<std::string, std::string>& metadata,
                       const std::function<void(AtomicFile& file, size_t i)>& write);

}  // namespace gradus
