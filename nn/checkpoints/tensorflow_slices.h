// Variables that a TensorFlow checkpoint holds in slices, as partitioned ones are: how these are named, and put
// together again. tensorflow/core/framework/tensor_slice.proto, tensorflow/core/util/saved_tensor_slice_util.h
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/io/protobuf.h"

namespace gradus {

// Part of a variable along one dimension; a length of -1 is all of it.
struct Extent {
  int64_t start = 0, length = -1;
};

using Slice = std::vector<Extent>;  // one for each dimension

Slice parse_slice(protobuf::Reader message);

// The name under which the bytes of a variable's slice are found.
std::string slice_key(std::string_view variable, const Slice& slice);

// The number of a slice's elements. Throws Error "<where>: ..." when it is not part of a variable of this shape.
int64_t slice_elements(const Slice& slice, const std::vector<int64_t>& shape, const std::string& where);

// Copies a slice, whose elements have so many bytes, to its place in the variable.
void copy_slice(const Slice& slice, std::span<const std::byte> bytes, const std::vector<int64_t>& shape,
                size_t element_bytes, std::span<std::byte> variable);

}  // namespace gradus
