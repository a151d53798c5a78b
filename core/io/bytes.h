// Numbers as files have them, byte by byte.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gradus {

// The number that up to 8 bytes are, the lowest or the highest first.
inline uint64_t little_endian(std::string_view bytes) {
  uint64_t value = 0;
  for (size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<uint8_t>(bytes[i]);
  return value;
}
inline uint64_t big_endian(std::string_view bytes) {
  uint64_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<uint8_t>(byte);
  return value;
}

// Append the lowest `bytes` bytes of a number.
inline void append_little_endian(std::string& out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>((value >> (8 * i)) & 0xffU);
}
inline void append_big_endian(std::string& out, uint64_t value, int bytes) {
  for (int i = bytes; i-- > 0;) out += static_cast<char>((value >> (8 * i)) & 0xffU);
}

}  // namespace gradus
