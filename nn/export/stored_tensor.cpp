#include "nn/export/stored_tensor.h"

#include <algorithm>
#include <bit>

#include "core/error.h"

namespace gradus {
namespace {

constexpr uint32_t raw_data = 9;  // TensorProto's of both formats

static_assert(std::endian::native == std::endian::little);

template <typename T>
std::string narrow_bytes(const std::vector<float>& numbers) {
  std::vector<uint16_t> narrow(numbers.size());
  std::ranges::transform(numbers, narrow.begin(), [](float number) { return T(number).bits; });
  return bytes_of_numbers(narrow);
}

}  // namespace

StoredType stored_type(DType dtype) {
  switch (dtype) {
    case DType::float32:
      return StoredType::float32;
    case DType::bfloat16:
      return StoredType::bfloat16;
    case DType::float16:
      return StoredType::float16;
    case DType::int32:
      return StoredType::int32;
    case DType::int8:
    case DType::uint8:
      break;
  }
  fail("[export] tensors of {} are in no model", name_of(dtype));
}

size_t size_of(StoredType type) {
  switch (type) {
    case StoredType::float32:
    case StoredType::int32:
      return 4;
    case StoredType::int64:
      return 8;
    case StoredType::boolean:
      return 1;
    case StoredType::float16:
    case StoredType::bfloat16:
      return 2;
  }
  return 0;
}

size_t StoredTensor::size() const {
  size_t size = size_of(type);
  for (const int64_t dim : dims) size *= static_cast<size_t>(dim);
  return size;
}

std::string float_bytes(const std::vector<float>& numbers, StoredType type) {
  if (type == StoredType::bfloat16) return narrow_bytes<bfloat16>(numbers);
  if (type == StoredType::float16) return narrow_bytes<float16>(numbers);
  return bytes_of_numbers(numbers);
}

std::string bytes_of(const StoredTensor& tensor) {
  std::string bytes = tensor.bytes();
  check(bytes.size() == tensor.size(), "[export] {} has {} bytes, its shape {}", tensor.name, bytes.size(),
        tensor.size());
  return bytes;
}

std::string key_of_bytes(uint32_t field, uint64_t size) {
  std::string key;
  protobuf::append_varint(key, (uint64_t{field} << 3) | static_cast<uint64_t>(protobuf::Wire::bytes));
  protobuf::append_varint(key, size);
  return key;
}

PlacedTensor place_inside(const StoredTensor& tensor, uint32_t field, std::string about) {
  const size_t bytes = tensor.size();
  about += key_of_bytes(raw_data, bytes);
  return {&tensor, key_of_bytes(field, about.size() + bytes) + about, bytes};
}

PlacedTensor place_outside(const StoredTensor& tensor, uint32_t field, std::string_view about,
                           uint64_t offset) {
  return {&tensor, key_of_bytes(field, about.size()).append(about), 0, offset};
}

void write_placed(const std::vector<PlacedTensor>& tensors, AtomicFile& file, AtomicFile* data) {
  for (const PlacedTensor& each : tensors) {
    file.write(each.before);
    if (each.inside > 0) file.write(bytes_of(*each.tensor));
    if (each.outside) data->write_at(*each.outside, bytes_of(*each.tensor));
  }
}

}  // namespace gradus
