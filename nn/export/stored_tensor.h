// What ONNX and MindIR files have alike: number types, tensors, whose bytes are the end of a message about them, and texts that
// a file says of itself.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/dtype.h"
#include "core/io/files.h"
#include "core/io/protobuf.h"

namespace gradus {

// TensorProto.DataType of both formats.
enum class StoredType : uint8_t {
  float32 = 1,
  int32 = 6,
  int64 = 7,
  boolean = 9,
  float16 = 10,
  bfloat16 = 16
};
// That of numbers which we hold in `dtype`. Throws Error for one that is in no model.
StoredType stored_type(DType dtype);
size_t size_of(StoredType type);

// A tensor of the file. Its bytes, little-endian, are asked for when they are written: a model is not held twice.
struct StoredTensor {
  std::string name;
  StoredType type = StoredType::float32;
  std::vector<int64_t> dims;
  std::function<std::string()> bytes;

  size_t size() const;  // of the bytes
};

// Throws Error when they are not as many as the shape says.
std::string bytes_of(const StoredTensor& tensor);

template <typename T>
std::string bytes_of_numbers(const std::vector<T>& numbers) {
  return {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(T)};
}
// Floats in a type of 32 or 16 bits.
std::string float_bytes(const std::vector<float>& numbers, StoredType type);

// Keys and texts, each key once.
using FileMetadata = std::vector<std::pair<std::string, std::string>>;

// What stands before bytes of that size in a message.
std::string key_of_bytes(uint32_t field, uint64_t size);

// A tensor as it will lie in a graph's message: all before the numbers, and how many bytes of these follow.
struct PlacedTensor {
  const StoredTensor* tensor;
  std::string before;
  size_t inside = 0;  // 0: they lie outside, or there are none
  std::optional<uint64_t> outside = std::nullopt;

  size_t size() const { return before.size() + inside; }
};

// `about` is the tensor's message but for its numbers or where these lie, `field` the graph's that holds it.
PlacedTensor place_inside(const StoredTensor& tensor, uint32_t field, std::string about);
PlacedTensor place_outside(const StoredTensor& tensor, uint32_t field, std::string_view about,
                           uint64_t offset);
// Writes them, those outside into `data`. Throws Error as bytes_of() and AtomicFile do.
void write_placed(const std::vector<PlacedTensor>& tensors, AtomicFile& file, AtomicFile* data);

}  // namespace gradus
