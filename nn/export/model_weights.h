// The weights of a model on their way into a file of another format.
#pragma once

#include <string>
#include <vector>

#include "nn/checkpoints/model_tensors.h"
#include "nn/export/stored_tensor.h"

namespace gradus {

class ModelWeights {
 public:
  // They are read when they are asked for, and have to live until the file is written.
  explicit ModelWeights(const ModelTensors& weights) : weights_(&weights) {}

  // All throw Error naming the file when there is no tensor of that name.
  const ModelTensors::Tensor& find(const std::string& weight) const;
  std::vector<float> read(const std::string& weight) const;
  // As a tensor of that name, type and shape; a matrix [rows, columns] as [columns, rows] for transposed().
  StoredTensor stored(const std::string& weight, StoredType type) const;
  StoredTensor transposed(const std::string& weight, const std::string& name, StoredType type) const;
  const std::string& path() const { return weights_->path(); }

 private:
  const ModelTensors* weights_;
};

}  // namespace gradus
