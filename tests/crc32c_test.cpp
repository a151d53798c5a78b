// CRC-32C against the vectors of RFC 3720.
#include "core/io/crc32c.h"

#include <doctest/doctest.h>

#include <numeric>
#include <string>

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

TEST_CASE("crc32c: eight bytes at a time give what single bytes give, at every length") {
  std::string bytes;
  uint32_t crc = 0;
  for (int i = 0; i < 40; ++i) {
    CHECK(crc32c(bytes) == crc);
    const std::string next(1, static_cast<char>(i * 37 + 11));
    bytes += next;
    crc = crc32c(next, crc);
  }
}
