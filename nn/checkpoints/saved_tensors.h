// Tensors of a backend on their way to a file.
#pragma once

#include <span>
#include <string>

#include "core/tensor.h"

namespace gradus {

// A float32 tensor under the name that it gets in the file.
struct SavedTensor {
  std::string name;
  Tensor values;
};

// Writes one safetensors file. The values are fetched in pieces of 1 MiB while it is written, so that a checkpoint takes no
// memory beside the step's. Throws Error when the file can't be written.
void save_tensors(const std::string& path, std::span<const SavedTensor> tensors);

}  // namespace gradus
