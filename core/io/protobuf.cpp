#include "core/io/protobuf.h"

#include "core/io/bytes.h"

namespace gradus::protobuf {
void append_varint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>((value & 0x7fU) | 0x80U);
  out += static_cast<char>(value);
}

void Writer::key(uint32_t field, Wire wire) {
  append_varint(out_, (uint64_t{field} << 3) | static_cast<uint64_t>(wire));
}

void Writer::varint(uint32_t field, uint64_t value) {
  key(field, Wire::varint);
  append_varint(out_, value);
}

void Writer::fixed32(uint32_t field, uint32_t value) {
  key(field, Wire::fixed32);
  append_little_endian(out_, value, 4);
}

void Writer::fixed64(uint32_t field, uint64_t value) {
  key(field, Wire::fixed64);
  append_little_endian(out_, value, 8);
}

void Writer::bytes(uint32_t field, std::string_view value) {
  key(field, Wire::bytes);
  append_varint(out_, value.size());
  out_ += value;
}

Reader::Reader(const Field& field, const Reader& outer)
    : next_(field.bytes.data()),
      end_(next_ + field.bytes.size()),
      origin_(outer.origin_),
      where_(outer.where_) {
  outer.expect(field, Wire::bytes);
}

void Reader::fail_at(const char* place, std::string_view what) const {
  fail("{}: byte {}: {}", where_, place - origin_, what);
}

uint64_t Reader::read_long_varint() {
  const char* start = next_;
  uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (next_ == end_) fail_at(start, "a number that the end cuts off");
    const uint64_t byte = static_cast<unsigned char>(*next_++);
    // The tenth byte has one bit left.
    if (shift == 63 && byte > 1) fail_at(start, "a number of more than 64 bits");
    value |= (byte & 0x7fU) << shift;
    if (byte < 0x80) return value;
  }
  fail_at(start, "a number of more than 64 bits");
}

uint64_t Reader::read_fixed(int bytes) {
  if (end_ - next_ < bytes) fail_at(next_, "a number that the end cuts off");
  const uint64_t value = little_endian({next_, static_cast<size_t>(bytes)});
  next_ += bytes;
  return value;
}

bool Reader::next(Field& field) {
  if (next_ == end_) return false;
  const char* start = next_;
  const uint64_t key = read_varint();
  if (key >> 3 == 0 || key >> 3 > (1U << 29) - 1) fail_at(start, fmt::format("field number {}", key >> 3));
  field.number = static_cast<uint32_t>(key >> 3);
  field.wire = static_cast<Wire>(key & 7U);
  field.bytes = {};
  field.offset = static_cast<size_t>(start - origin_);
  switch (field.wire) {
    case Wire::varint:
      field.value = read_varint();
      return true;
    case Wire::fixed64:
      field.value = read_fixed(8);
      return true;
    case Wire::fixed32:
      field.value = read_fixed(4);
      return true;
    case Wire::bytes: {
      field.value = 0;
      const uint64_t length = read_varint();
      const auto left = static_cast<uint64_t>(end_ - next_);
      if (length > left) {
        fail_at(start, fmt::format("field {} of {} bytes, {} are left", field.number, length, left));
      }
      field.bytes = {next_, static_cast<size_t>(length)};
      next_ += length;
      return true;
    }
  }
  fail_at(start, fmt::format("field {} of wire type {}, expected 0, 1, 2 or 5", field.number, key & 7U));
}

void Reader::expect(const Field& field, Wire wire) const {
  if (field.wire == wire) return;
  fail_at(origin_ + field.offset, fmt::format("field {} of wire type {}, expected {}", field.number,
                                              static_cast<int>(field.wire), static_cast<int>(wire)));
}

void Reader::refuse(const Field& field, std::string_view what) const {
  fail_at(origin_ + field.offset, what);
}

}  // namespace gradus::protobuf
