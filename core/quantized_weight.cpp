#include "core/quantized_weight.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/backend.h"

namespace gradus {
namespace {

constexpr float most_steps = 127;

// Rounds a row and returns its scale.
float quantize(std::span<const float> row, std::span<int8_t> steps) {
  float largest = 0;
  for (const float value : row) {
    if (!std::isfinite(value)) return std::numeric_limits<float>::quiet_NaN();
    largest = std::max(largest, std::abs(value));
  }
  const float scale = largest / most_steps;
  if (scale < std::numeric_limits<float>::min()) return 0;
  for (size_t i = 0; i < row.size(); ++i) {
    const float rounded = std::nearbyint(row[i] / scale);
    steps[i] = static_cast<int8_t>(std::clamp(rounded, -most_steps, most_steps));
  }
  return scale;
}

}  // namespace

QuantizedWeight QuantizedWeight::empty(Backend& backend, const Shape& shape) {
  return {Tensor::zeros(backend, shape, DType::int8), Tensor::zeros(backend, {shape[0]}),
          Tensor::zeros(backend, {shape[0]}, DType::int32)};
}

void QuantizedWeight::set_rows(int64_t first, std::span<const float> rows) const {
  const int64_t width = values.shape()[1], count = std::ssize(rows) / std::max<int64_t>(width, 1);
  check(count * width == std::ssize(rows) && first + count <= values.shape()[0],
        "[quantized weight] {} numbers for rows from {} on of shape {}", rows.size(), first, values.shape());
  std::vector<int8_t> steps(rows.size());
  std::vector<float> row_scales;
  std::vector<int32_t> row_sums;
  for (int64_t row = 0; row < count; ++row) {
    const auto begin = static_cast<size_t>(row * width), size = static_cast<size_t>(width);
    const std::span<int8_t> row_steps = std::span(steps).subspan(begin, size);
    row_scales.push_back(quantize(rows.subspan(begin, size), row_steps));
    int32_t sum = 0;
    for (const int8_t step : row_steps) sum += step;
    row_sums.push_back(sum);
  }
  Backend& backend = values.backend();
  backend.copy_from_host(steps.data(), values.slice(first, first + count));
  backend.copy_from_host(row_scales.data(), scales.slice(first, first + count));
  backend.copy_from_host(row_sums.data(), sums.slice(first, first + count));
}

QuantizedWeight QuantizedWeight::of(const Tensor& weight) {
  const QuantizedWeight quantized = empty(weight.backend(), weight.shape());
  quantized.set_rows(0, weight.to_host());
  return quantized;
}

}  // namespace gradus
