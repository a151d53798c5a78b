#include "core/io/crc32c.h"

#include <array>

namespace gradus {
namespace {

// tables[0][b] is the checksum step for byte b, with the bits of the polynomial 0x1EDC6F41 in reversed order;
// tables[k][b] that step followed by k zero bytes, so that eight bytes are taken at once (Kounavis & Berry 2008,
// "Novel table lookup-based algorithms for high-performance CRC generation").
using Tables = std::array<std::array<uint32_t, 256>, 8>;

constexpr Tables make_tables() {
  Tables tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1U) != 0 ? 0x82f63b78U : 0U);
    tables[0][byte] = crc;
  }
  for (size_t k = 1; k < tables.size(); ++k) {
    for (size_t byte = 0; byte < 256; ++byte) {
      const uint32_t before = tables[k - 1][byte];
      tables[k][byte] = (before >> 8) ^ tables[0][before & 0xffU];
    }
  }
  return tables;
}

constexpr Tables tables = make_tables();

}  // namespace

uint32_t crc32c(std::string_view bytes, uint32_t crc) {
  const auto* next = reinterpret_cast<const unsigned char*>(bytes.data());
  const auto* end = next + bytes.size();
  crc = ~crc;
  for (; end - next >= 8; next += 8) {
    const uint32_t first = crc ^ (uint32_t{next[0]} | uint32_t{next[1]} << 8 | uint32_t{next[2]} << 16 |
                                  uint32_t{next[3]} << 24);
    crc = tables[7][first & 0xffU] ^ tables[6][(first >> 8) & 0xffU] ^ tables[5][(first >> 16) & 0xffU] ^
          tables[4][first >> 24] ^ tables[3][next[4]] ^ tables[2][next[5]] ^ tables[1][next[6]] ^
          tables[0][next[7]];
  }
  for (; next != end; ++next) crc = (crc >> 8) ^ tables[0][(crc ^ *next) & 0xffU];
  return ~crc;
}

}  // namespace gradus
