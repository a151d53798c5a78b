// A weight in 8 bits.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/tensor.h"

namespace gradus {

// A weight w of a linear map, [O, I]: w[o][i] is values[o][i] * scales[o].
struct QuantizedWeight {
  Tensor values;  // int8 [O, I], from -127 to 127
  Tensor scales;  // float32 [O]
  Tensor sums;    // int32 [O], of the rows of `values`

  explicit operator bool() const { return static_cast<bool>(values); }
  // Without values yet.
  static QuantizedWeight empty(Backend& backend, const Shape& shape);
  // Rounds rows [first, first + R) of a weight, R I numbers: the one of the greatest magnitude of each row to 127 steps. A row that
  // holds anything infinite or no number has no number as its scale. Throws Error when there are other rows than the weight has.
  void set_rows(int64_t first, std::span<const float> rows) const;
  // Those of a weight as a whole, float32 [O, I].
  static QuantizedWeight of(const Tensor& weight);
};

}  // namespace gradus
