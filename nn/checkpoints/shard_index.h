// The index of a model whose tensors lie in several files beside it, *.index.json, as transformers writes it.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nn/checkpoints/tensor_entry.h"

namespace gradus {

class ShardIndex {
 public:
  // `ending`: what the names of the files have to end with. Throws Error, naming the file, when it can't be read, and when
  // its "weight_map" is none from names of tensors to names of files in its folder.
  ShardIndex(std::string path, std::string_view ending);

  // Names without the folder, each once.
  const std::vector<std::string>& files() const { return files_; }
  std::string path_of(const std::string& file) const;
  // Throws Error unless these are the tensors that the index has in that file.
  void check_tensors(const std::string& file, std::span<const TensorEntry> tensors) const;

 private:
  std::string path_;
  std::vector<std::string> files_;
  std::map<std::string, std::string, std::less<>> weight_map_;  // from tensors to files
};

}  // namespace gradus
