#include "data/crc32c.h"

#include <array>

namespace gradus {
namespace {

// table[b] is the checksum step for byte b, with the bits of the polynomial 0x1EDC6F41 in reversed order.
constexpr std::array<uint32_t, 256> make_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1U) != 0 ? 0x82f63b78U : 0U);
    table[byte] = crc;
  }
  return table;
}

constexpr std::array<uint32_t, 256> table = make_table();

// Appends `value` in `bytes` bytes, the lowest first.
void append_little_endian(std::string& out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>((value >> (8 * i)) & 0xffU);
}

}  // namespace

uint32_t crc32c(std::string_view bytes, uint32_t crc) {
  crc = ~crc;
  for (const char c : bytes) crc = (crc >> 8) ^ table[(crc ^ static_cast<unsigned char>(c)) & 0xffU];
  return ~crc;
}

std::string frame_record(std::string_view data) {
  std::string record;
  append_little_endian(record, data.size(), 8);
  const uint32_t length_crc = crc32c(record);
  append_little_endian(record, mask_crc(length_crc), 4);
  record += data;
  append_little_endian(record, mask_crc(crc32c(data)), 4);
  return record;
}

}  // namespace gradus
