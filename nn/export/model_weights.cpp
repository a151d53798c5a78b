#include "nn/export/model_weights.h"

#include <algorithm>

#include "core/error.h"

namespace gradus {
namespace {

std::vector<float> transposed_matrix(const std::vector<float>& matrix, int64_t rows, int64_t columns) {
  constexpr int64_t tile = 32;  // rows and columns that a cache holds
  std::vector<float> result(matrix.size());
  for (int64_t first = 0; first < rows; first += tile) {
    for (int64_t column = 0; column < columns; ++column) {
      for (int64_t row = first; row < std::min(first + tile, rows); ++row)
        result[static_cast<size_t>(column * rows + row)] =
            matrix[static_cast<size_t>(row * columns + column)];
    }
  }
  return result;
}

}  // namespace

const ModelTensors::Tensor& ModelWeights::find(const std::string& weight) const {
  const ModelTensors::Tensor* found = weights_->find(weight);
  check(found != nullptr, "{}: no tensor is {}, which the model needs", path(), weight);
  return *found;
}

std::vector<float> ModelWeights::read(const std::string& weight) const {
  const ModelTensors::Tensor& found = find(weight);
  int64_t size = 1;
  for (const int64_t dim : found.shape) size *= dim;
  std::vector<float> numbers(static_cast<size_t>(size));
  weights_->read(found, numbers);
  return numbers;
}

StoredTensor ModelWeights::stored(const std::string& weight, StoredType type) const {
  return {weight, type, find(weight).shape,
          [*this, weight, type] { return float_bytes(read(weight), type); }};
}

StoredTensor ModelWeights::transposed(const std::string& weight, const std::string& name,
                                      StoredType type) const {
  const std::vector<int64_t>& shape = find(weight).shape;
  check(shape.size() == 2, "{}: {} has {} axes, expected 2", path(), weight, shape.size());
  return {name, type, {shape[1], shape[0]}, [*this, weight, rows = shape[0], columns = shape[1], type] {
            return float_bytes(transposed_matrix(read(weight), rows, columns), type);
          }};
}

}  // namespace gradus
