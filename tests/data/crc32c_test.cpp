// CRC-32C against the vectors of RFC 3720, and the framing of records.
#include "data/crc32c.h"

#include <doctest/doctest.h>

#include <numeric>

using namespace gradus;

TEST_CASE("crc32c: vectors of RFC 3720, appendix B.4") {
  std::string rising(32, '\0');
  std::iota(rising.begin(), rising.end(), '\0');
  const std::string falling(rising.rbegin(), rising.rend());
  CHECK(crc32c("") == 0);
  CHECK(crc32c("123456789") == 0xe3069283U);
  CHECK(crc32c(std::string(32, '\0')) == 0x8a9136aaU);
  CHECK(crc32c(std::string(32, '\xff')) == 0x62a8ab43U);
  CHECK(crc32c(rising) == 0x46dd794eU);
  CHECK(crc32c(falling) == 0x113fdb5cU);
}

TEST_CASE("crc32c: in parts it is the same") {
  CHECK(crc32c("6789", crc32c("12345")) == crc32c("123456789"));
}

TEST_CASE("crc32c: a record is length, checksum, data, checksum") {
  const std::string record = frame_record("123456789");
  REQUIRE(record.size() == 8 + 4 + 9 + 4);
  CHECK(record.substr(0, 8) == std::string("\x09\0\0\0\0\0\0\0", 8));
  CHECK(record.substr(12, 9) == "123456789");
  const auto word = [&](size_t at) {
    uint32_t value = 0;
    for (size_t i = 0; i < 4; ++i) value |= uint32_t{static_cast<unsigned char>(record[at + i])} << (8 * i);
    return value;
  };
  CHECK(word(8) == mask_crc(crc32c(record.substr(0, 8))));
  // 0xe3069283 rotated right by 15 bits is 0x2507c60d.
  CHECK(word(21) == 0x2507c60dU + 0xa282ead8U);
}
