// CRC-32C (Castagnoli polynomial, RFC 3720 appendix B.4), and the record framing of TFRecord files built on it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gradus {

// The checksum of `bytes`; `crc` is that of the bytes before them, 0 at the start.
uint32_t crc32c(std::string_view bytes, uint32_t crc = 0);

// The form TFRecord files store: rotated right by 15 bits, plus a constant, so that a checksum over data that
// holds checksums stays a good one.
constexpr uint32_t mask_crc(uint32_t crc) { return ((crc >> 15) | (crc << 17)) + 0xa282ead8U; }

// One record of a TFRecord file: uint64 length, uint32 masked checksum of the length, data, uint32 masked
// checksum of the data; all little-endian.
std::string frame_record(std::string_view data);

}  // namespace gradus
