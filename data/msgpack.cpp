#include "data/msgpack.h"

#include <bit>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "core/io/bytes.h"

namespace gradus {
namespace {

MsgpackValue integer(int64_t value) { return {MsgpackValue::Kind::integer, value, 0, {}}; }
MsgpackValue real(double value) { return {MsgpackValue::Kind::real, 0, value, {}}; }

}  // namespace

std::string_view MsgpackReader::take(uint64_t length) {
  check(length <= rest_.size(), "{}: the msgpack data has {} bytes left where {} are needed", where_,
        rest_.size(), length);
  const std::string_view taken = rest_.substr(0, length);
  rest_.remove_prefix(length);
  return taken;
}

uint64_t MsgpackReader::number(size_t bytes) { return big_endian(take(bytes)); }

MsgpackValue MsgpackReader::text(uint64_t length) { return {MsgpackValue::Kind::text, 0, 0, take(length)}; }

uint64_t MsgpackReader::map_size() {
  const uint8_t tag = take_tag();
  if (tag >= 0x80 && tag <= 0x8f) return tag & 0x0fU;
  if (tag == 0xde) return number(2);
  if (tag == 0xdf) return number(4);
  fail("{}: the msgpack data begins with {:#04x}, expected a map", where_, tag);
}

MsgpackValue MsgpackReader::value() {
  const uint8_t tag = take_tag();
  if (tag <= 0x7f) return integer(tag);
  if (tag >= 0xe0) return integer(static_cast<int8_t>(tag));
  if (tag >= 0xa0 && tag <= 0xbf) return text(tag & 0x1fU);
  switch (tag) {
    case 0xca:
      return real(std::bit_cast<float>(static_cast<uint32_t>(number(4))));
    case 0xcb:
      return real(std::bit_cast<double>(number(8)));
    case 0xcc:
      return integer(static_cast<int64_t>(number(1)));
    case 0xcd:
      return integer(static_cast<int64_t>(number(2)));
    case 0xce:
      return integer(static_cast<int64_t>(number(4)));
    case 0xcf: {
      const uint64_t large = number(8);
      check(large <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max()), "{}: {} is above an int64",
            where_, large);
      return integer(static_cast<int64_t>(large));
    }
    case 0xd0:
      return integer(static_cast<int8_t>(number(1)));
    case 0xd1:
      return integer(static_cast<int16_t>(number(2)));
    case 0xd2:
      return integer(static_cast<int32_t>(number(4)));
    case 0xd3:
      return integer(static_cast<int64_t>(number(8)));
    case 0xd9:
      return text(number(1));
    case 0xda:
      return text(number(2));
    case 0xdb:
      return text(number(4));
    default:
      fail("{}: the msgpack data has a value of type {:#04x}, expected a number or a string", where_, tag);
  }
}

void append_msgpack_map(std::string& out, uint64_t size) {
  check(size <= 0xffff, "a msgpack map of {} values: expected at most 65535", size);
  if (size < 16) {
    out += static_cast<char>(0x80U | size);
  } else {
    out += '\xde';
    append_big_endian(out, size, 2);
  }
}

void append_msgpack(std::string& out, int64_t value) {
  const auto put = [&](uint8_t tag, int bytes) {
    out += static_cast<char>(tag);
    append_big_endian(out, static_cast<uint64_t>(value), bytes);
  };
  if (value >= 0) {
    if (value < 0x80) out += static_cast<char>(value);
    else if (value <= 0xff) put(0xcc, 1);
    else if (value <= 0xffff) put(0xcd, 2);
    else if (value <= 0xffffffff) put(0xce, 4);
    else put(0xcf, 8);
  } else if (value >= -32) {
    out += static_cast<char>(value);
  } else if (value >= INT8_MIN) {
    put(0xd0, 1);
  } else if (value >= INT16_MIN) {
    put(0xd1, 2);
  } else if (value >= INT32_MIN) {
    put(0xd2, 4);
  } else {
    put(0xd3, 8);
  }
}

void append_msgpack(std::string& out, double value) {
  const auto narrow = static_cast<float>(value);
  if (static_cast<double>(narrow) == value || std::isnan(value)) {
    out += '\xca';
    append_big_endian(out, std::bit_cast<uint32_t>(narrow), 4);
  } else {
    out += '\xcb';
    append_big_endian(out, std::bit_cast<uint64_t>(value), 8);
  }
}

void append_msgpack(std::string& out, std::string_view text) {
  if (text.size() < 32) {
    out += static_cast<char>(0xa0U | text.size());
  } else {
    const int bytes = text.size() <= 0xff ? 1 : text.size() <= 0xffff ? 2 : 4;
    out += bytes == 1 ? '\xd9' : bytes == 2 ? '\xda' : '\xdb';
    append_big_endian(out, text.size(), bytes);
  }
  out += text;
}

}  // namespace gradus
