// The wire form of protocol buffers, written and read without generated code: TensorBoard events, tf.train.Example, and
// the checkpoints of TensorFlow and MindSpore are all made of it. Reading copies nothing and allocates nothing.
// https://protobuf.dev/programming-guides/encoding
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/error.h"

namespace gradus::protobuf {

enum class Wire : uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

void append_varint(std::string& out, uint64_t value);

// Appends fields to a message.
class Writer {
 public:
  void varint(uint32_t field, uint64_t value);
  void fixed32(uint32_t field, uint32_t value);
  void fixed64(uint32_t field, uint64_t value);
  // A string, bytes, a message, or packed numbers.
  void bytes(uint32_t field, std::string_view value);
  void float32(uint32_t field, float value) { fixed32(field, std::bit_cast<uint32_t>(value)); }
  void float64(uint32_t field, double value) { fixed64(field, std::bit_cast<uint64_t>(value)); }

  const std::string& str() const { return out_; }

 private:
  void key(uint32_t field, Wire wire);
  std::string out_;
};

// A field as it lies in a message.
struct Field {
  uint32_t number = 0;
  Wire wire = Wire::varint;
  uint64_t value = 0;      // of a varint, fixed32 or fixed64
  std::string_view bytes;  // of Wire::bytes, within the message
  size_t offset = 0;       // from the start of the outermost message
};

// Walks over the fields of a message, in their order. Every error is "<where>: byte N: ...", with N counted from the
// start of the outermost message.
class Reader {
 public:
  // Keeps views of both arguments.
  Reader(std::string_view message, std::string_view where)
      : next_(message.data()), end_(next_ + message.size()), origin_(next_), where_(where) {}
  // A message in a field of `outer`. Throws Error when the field holds something else.
  Reader(const Field& field, const Reader& outer);

  // The next field; false at the end. Throws Error on what is not a message.
  bool next(Field& field);
  // Throws Error unless the field that next() has just given is of this wire type.
  void expect(const Field& field, Wire wire) const;
  // Throws Error "<where>: byte N: <what>" for the place of a field of this message.
  [[noreturn]] void refuse(const Field& field, std::string_view what) const;

  // Calls f(uint64_t) for each number of a repeated varint field, packed or not.
  template <typename F>
  void each_varint(const Field& field, F&& f) const {
    if (field.wire == Wire::varint) return f(field.value);
    expect(field, Wire::bytes);
    Reader packed(field, *this);
    while (packed.next_ != packed.end_) f(packed.read_varint());
  }
  // Calls f(float) for each number of a repeated float field, packed or not.
  template <typename F>
  void each_float(const Field& field, F&& f) const {
    if (field.wire == Wire::fixed32) return f(std::bit_cast<float>(static_cast<uint32_t>(field.value)));
    expect(field, Wire::bytes);
    if (field.bytes.size() % 4 != 0)
      fail_at(field.bytes.data(), "packed floats of a length that 4 does not divide");
    for (Reader packed(field, *this); packed.next_ != packed.end_;)
      f(std::bit_cast<float>(static_cast<uint32_t>(packed.read_fixed(4))));
  }

 private:
  uint64_t read_varint() {
    // Most numbers are small.
    if (next_ != end_ && static_cast<unsigned char>(*next_) < 0x80)
      return static_cast<unsigned char>(*next_++);
    return read_long_varint();
  }
  uint64_t read_long_varint();
  uint64_t read_fixed(int bytes);
  [[noreturn]] void fail_at(const char* place, std::string_view what) const;

  const char* next_;
  const char* end_;
  const char* origin_;
  std::string_view where_;
};

}  // namespace gradus::protobuf
