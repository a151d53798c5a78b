#include "nn/checkpoints/tensorflow_slices.h"

#include <cstring>

#include "core/error.h"

namespace gradus {
namespace {

// The form of a number in the names of slices: as many leading ones as bytes, a zero, and the number, such that the
// order of the bytes is that of the numbers.
std::string ordered(int64_t value) {
  if (value == -1) return "\x7f";
  int bytes = 1;
  while (bytes < 9 && value >> (7 * bytes - 1) != 0) ++bytes;
  std::string out;
  for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>((value >> (8 * i)) & 0xff);
  for (int bit = 0; bit < bytes; ++bit) {
    out[static_cast<size_t>(bit / 8)] =
        static_cast<char>(static_cast<uint8_t>(out[static_cast<size_t>(bit / 8)]) | (0x80U >> (bit % 8)));
  }
  return out;
}

int64_t length_of(const Extent& extent, int64_t dimension) {
  return extent.length < 0 ? dimension : extent.length;
}

}  // namespace

Slice parse_slice(protobuf::Reader message) {
  Slice extents;
  for (protobuf::Field field; message.next(field);) {
    if (field.number != 1) continue;
    Extent extent;
    protobuf::Reader parts(field, message);
    for (protobuf::Field part; parts.next(part);) {
      if (part.number > 2) continue;
      parts.expect(part, protobuf::Wire::varint);
      (part.number == 1 ? extent.start : extent.length) = static_cast<int64_t>(part.value);
    }
    extents.push_back(extent);
  }
  return extents;
}

std::string slice_key(std::string_view variable, const Slice& slice) {
  std::string key(1, '\0');
  for (const char c : variable) {
    key += c;
    if (c == '\0') key += '\xff';
    if (c == '\xff') key += '\0';
  }
  // The end of the name, and the number of dimensions, which takes one byte.
  key += std::string("\0\1\1", 3) + static_cast<char>(slice.size());
  for (const Extent& extent : slice) key += ordered(extent.start) + ordered(extent.length);
  return key;
}

int64_t slice_elements(const Slice& slice, const std::vector<int64_t>& shape, const std::string& where) {
  check(slice.size() == shape.size(), "{}: a slice of {} dimensions, expected {}", where, slice.size(),
        shape.size());
  int64_t elements = 1;
  for (size_t d = 0; d < shape.size(); ++d) {
    const int64_t length = length_of(slice[d], shape[d]);
    check(slice[d].start >= 0 && length <= shape[d] && slice[d].start <= shape[d] - length,
          "{}: a slice of {} from {} in a dimension of {}", where, length, slice[d].start, shape[d]);
    elements *= length;
  }
  return elements;
}

void copy_slice(const Slice& slice, std::span<const std::byte> bytes, const std::vector<int64_t>& shape,
                size_t element_bytes, std::span<std::byte> variable) {
  const size_t rank = shape.size();
  // Row after row of the slice, along the last dimension.
  const int64_t row = rank == 0 ? 1 : length_of(slice[rank - 1], shape[rank - 1]);
  const size_t row_bytes = static_cast<size_t>(row) * element_bytes;
  std::vector<int64_t> at(rank, 0);
  for (size_t from = 0; from < bytes.size(); from += row_bytes) {
    int64_t offset = 0;
    for (size_t d = 0; d < rank; ++d) offset = offset * shape[d] + slice[d].start + at[d];
    std::memcpy(&variable[static_cast<size_t>(offset) * element_bytes], &bytes[from], row_bytes);
    for (size_t d = rank > 0 ? rank - 1 : 0; d-- > 0;) {
      if (++at[d] < length_of(slice[d], shape[d])) break;
      at[d] = 0;
    }
  }
}

}  // namespace gradus
