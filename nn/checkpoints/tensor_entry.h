// A tensor as it lies in a file of whatever format, and the element types that files have.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "core/shape_text.h"

namespace gradus {

// A named tensor of a file, or one to be written. Numbers are little-endian and row-major.
struct TensorEntry {
  std::string name;
  std::string dtype;                // F64 F32 F16 BF16 I64 I32 I16 I8 U64 U32 U16 U8 BOOL
  std::vector<int64_t> shape;       // any rank; [] is one element
  std::span<const std::byte> data;  // not aligned

  // The product of the shape.
  int64_t elements() const;
};

// A tensor of strings. Models have none; some checkpoints keep descriptions of themselves in one.
struct StringTensor {
  std::string name;
  std::vector<int64_t> shape;
  std::vector<std::string> values;
};

// The elements as float32: `values` has as many as the tensor. From F32, F16, BF16 and F64; throws Error for
// other types, and for an F64 number too large for float32.
void copy_as_float(const TensorEntry& tensor, std::span<float> values);

// Elements `first` and on as doubles, of every type, as many as `values` has room for. A 64-bit integer is rounded.
void copy_as_double(const TensorEntry& tensor, int64_t first, std::span<double> values);

struct ElementType {
  std::string_view name;
  int64_t bytes;
  std::string_view long_name;  // as NumPy has it
};

// In the order in which the reference writer of safetensors puts the tensors.
constexpr auto element_types = std::to_array<ElementType>({{"U64", 8, "uint64"},
                                                           {"I64", 8, "int64"},
                                                           {"F64", 8, "float64"},
                                                           {"F32", 4, "float32"},
                                                           {"U32", 4, "uint32"},
                                                           {"I32", 4, "int32"},
                                                           {"BF16", 2, "bfloat16"},
                                                           {"F16", 2, "float16"},
                                                           {"U16", 2, "uint16"},
                                                           {"I16", 2, "int16"},
                                                           {"I8", 1, "int8"},
                                                           {"U8", 1, "uint8"},
                                                           {"BOOL", 1, "bool"}});

// Position in `element_types`; its length for an unknown type.
inline size_t element_type_rank(std::string_view dtype) {
  const auto found = std::ranges::find(element_types, dtype, &ElementType::name);
  return static_cast<size_t>(found - element_types.begin());
}

// "float32" for "F32".
inline std::string_view long_name(std::string_view dtype) {
  const size_t rank = element_type_rank(dtype);
  return rank < element_types.size() ? element_types[rank].long_name : dtype;
}

// Bytes of a tensor. `where` names file and tensor in the Error for an unknown type, a negative dimension and
// a size that doesn't fit 63 bits.
inline int64_t tensor_bytes(const std::string& where, const std::string& dtype,
                            std::span<const int64_t> shape) {
  const size_t rank = element_type_rank(dtype);
  if (rank == element_types.size()) {
    std::string names;
    for (const ElementType& type : element_types) names.append(" ").append(type.name);
    fail("{}: dtype '{}' is not supported, expected one of{}", where, dtype, names);
  }
  int64_t bytes = element_types[rank].bytes;
  for (const int64_t dim : shape) {
    check(dim >= 0, "{}: dimension {} in shape {}, expected 0 or more", where, dim, shape_text(shape));
    check(!__builtin_mul_overflow(bytes, dim, &bytes), "{}: shape {} has too many elements to count", where,
          shape_text(shape));
  }
  return bytes;
}

// Throws Error "<where>: ..." unless the tensor has as many bytes as its type and shape say.
void check_bytes(const std::string& where, const TensorEntry& tensor);

}  // namespace gradus
