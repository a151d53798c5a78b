// CRC-32C (Castagnoli polynomial, RFC 3720 appendix B.4).
#pragma once

#include <cstdint>
#include <string_view>

namespace gradus {

// The checksum of `bytes`; `crc` is that of the bytes before them, 0 at the start.
uint32_t crc32c(std::string_view bytes, uint32_t crc = 0);

// The form TFRecord files store: rotated right by 15 bits, plus a constant, so that a checksum over data that
// holds checksums stays a good one.
constexpr uint32_t mask_crc(uint32_t crc) { return ((crc >> 15) | (crc << 17)) + 0xa282ead8U; }

}  // namespace gradus
