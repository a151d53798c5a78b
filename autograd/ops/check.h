// Argument checks that operators share.
#pragma once

#include <string_view>

#include "autograd/variable.h"

namespace gradus {

inline void check_shape(std::string_view op, std::string_view what, const Tensor& x, const Shape& expected) {
  check(x.shape() == expected, "[{}] {} has shape {}: expected {}", op, what, x.shape(), expected);
}

inline void check_rank(std::string_view op, std::string_view what, const Tensor& x, int expected) {
  check(x.shape().rank() == expected, "[{}] {} has shape {}: expected {} dimensions", op, what, x.shape(),
        expected);
}

inline void check_dtype(std::string_view op, std::string_view what, const Tensor& x, DType expected) {
  check(x.dtype() == expected, "[{}] {} is {}: expected {}", op, what, name_of(x.dtype()), name_of(expected));
}

inline void check_packing(std::string_view op, const Packing& packing, int64_t rows) {
  check(packing.offsets && packing.offsets.dtype() == DType::int32 && packing.count() >= 0,
        "[{}] the packing has no int32 offsets", op);
  check(packing.longest <= rows, "[{}] the longest sequence has {} rows: the tensor has {}", op,
        packing.longest, rows);
}

}  // namespace gradus
