// The element types of safetensors files, shared by the reader and the writer.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/error.h"

namespace gradus {

constexpr size_t safetensors_length_bytes = 8;
constexpr uint64_t safetensors_max_header_bytes = 100'000'000;  // the reference reader's limit

struct SafetensorsType {
  std::string_view name;
  int64_t bytes;
};

// In the order in which the reference writer puts the tensors.
constexpr auto safetensors_types = std::to_array<SafetensorsType>({{"U64", 8},
                                                                   {"I64", 8},
                                                                   {"F64", 8},
                                                                   {"F32", 4},
                                                                   {"U32", 4},
                                                                   {"I32", 4},
                                                                   {"BF16", 2},
                                                                   {"F16", 2},
                                                                   {"U16", 2},
                                                                   {"I16", 2},
                                                                   {"I8", 1},
                                                                   {"U8", 1},
                                                                   {"BOOL", 1}});

// Position in `safetensors_types`; its length for an unknown type.
inline size_t safetensors_type_rank(std::string_view dtype) {
  const auto found = std::ranges::find(safetensors_types, dtype, &SafetensorsType::name);
  return static_cast<size_t>(found - safetensors_types.begin());
}

// Bytes of a tensor. `where` names file and tensor in the Error for an unknown type, a negative dimension and
// a size that doesn't fit 63 bits.
inline int64_t safetensors_bytes(const std::string& where, const std::string& dtype,
                                 std::span<const int64_t> shape) {
  const size_t rank = safetensors_type_rank(dtype);
  if (rank == safetensors_types.size()) {
    std::string names;
    for (const SafetensorsType& type : safetensors_types) names.append(" ").append(type.name);
    fail("{}: dtype '{}' is not supported, expected one of{}", where, dtype, names);
  }
  int64_t bytes = safetensors_types[rank].bytes;
  for (const int64_t dim : shape) {
    check(dim >= 0, "{}: dimension {} in shape [{}], expected 0 or more", where, dim, fmt::join(shape, ", "));
    check(!__builtin_mul_overflow(bytes, dim, &bytes), "{}: shape [{}] has too many elements to count", where,
          fmt::join(shape, ", "));
  }
  return bytes;
}

}  // namespace gradus
