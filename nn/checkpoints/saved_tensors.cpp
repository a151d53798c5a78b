#include "nn/checkpoints/saved_tensors.h"

#include <algorithm>
#include <vector>

#include "core/backend.h"
#include "nn/checkpoints/safetensors.h"

namespace gradus {

void save_tensors(const std::string& path, std::span<const SavedTensor> tensors) {
  constexpr int64_t most = int64_t{1} << 18;  // elements of a piece
  std::vector<TensorHeader> headers;
  for (const SavedTensor& tensor : tensors) {
    TensorHeader& header = headers.emplace_back(TensorHeader{tensor.name, "F32", {}});
    for (int i = 0; i < tensor.values.shape().rank(); ++i) header.shape.push_back(tensor.values.shape()[i]);
  }
  std::vector<float> piece;
  write_safetensors(path, headers, {{"format", "pt"}}, [&](AtomicFile& file, size_t i) {
    const Tensor& values = tensors[i].values;
    for (int64_t begin = 0; begin < values.elements(); begin += most) {
      const int64_t count = std::min(most, values.elements() - begin);
      piece.resize(static_cast<size_t>(count));
      const Tensor part = values.view(begin, {count});
      part.backend().copy_to_host(part, piece.data());
      file.write(std::as_bytes(std::span(piece)));
    }
  });
}

}  // namespace gradus
