#include <doctest/doctest.h>

#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <set>
#include <vector>

#include "core/dtype.h"
#include "core/error.h"
#include "core/random.h"
#include "core/shape.h"

using namespace gradus;

TEST_CASE("philox gives the known answers of the Random123 distribution") {
  CHECK(philox({0, 0, 0, 0}, {0, 0}) == PhiloxBlock{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}) ==
        PhiloxBlock{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        PhiloxBlock{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("dropout keeps the stated share and its expectation") {
  RandomStream stream(42);
  const DropoutMask dropout = stream.next_dropout(0.1F).mask(3, 0);
  int kept = 0;
  for (uint32_t row = 0; row < 200; ++row) {
    for (uint32_t column = 0; column < 500; ++column) kept += dropout.keeps(row, column);
  }
  CHECK(std::abs(kept / 1e5 - 0.9) < 0.005);
  CHECK(kept / 1e5 * dropout.scale() == doctest::Approx(1).epsilon(0.005));
  CHECK(stream.next_dropout(0.1F).mask(3, 0).keeps(0, 0) ==
        RandomStream(42).next_dropout(0.1F).mask(3, 0).keeps(0, 0));
}

TEST_CASE("a random sequence is uniform below n and shuffles to a permutation") {
  RandomSequence random(7, 1);
  std::array<int, 6> counts{};
  for (int i = 0; i < 60000; ++i) ++counts[random.below(6)];
  for (const int count : counts) CHECK(std::abs(count - 10000) < 500);
  std::vector<int> items{1, 2, 3, 4, 5, 6, 7, 8};
  random.shuffle(items);
  CHECK(std::set<int>(items.begin(), items.end()).size() == 8);
}

TEST_CASE("bfloat16 rounds to nearest, ties to even, and keeps NaN") {
  CHECK(static_cast<float>(bfloat16(1.0F)) == 1.0F);
  CHECK(bfloat16(std::bit_cast<float>(0x3f808000U)).bits == 0x3f80);
  CHECK(bfloat16(std::bit_cast<float>(0x3f818000U)).bits == 0x3f82);
  CHECK(bfloat16(std::bit_cast<float>(0x3f808001U)).bits == 0x3f81);
  CHECK((bfloat16(std::bit_cast<float>(0x7f800001U)).bits & 0x7fffU) > 0x7f80);
}

TEST_CASE("float16 rounds to nearest, ties to even, and keeps NaN, infinities and denormal numbers") {
  const auto bits = [](float value) { return float16(value).bits; };
  CHECK(bits(1.0F) == 0x3c00);
  CHECK(bits(-2.0F) == 0xc000);
  CHECK(bits(1 + 0x1p-11F) == 0x3c00);  // halfway, to even
  CHECK(bits(1 + 3 * 0x1p-11F) == 0x3c02);
  CHECK(bits(1 + 0x1p-11F + 0x1p-20F) == 0x3c01);
  CHECK(bits(65504.0F) == 0x7bff);
  CHECK(bits(65519.0F) == 0x7bff);
  CHECK(bits(65520.0F) == 0x7c00);
  CHECK(bits(-std::numeric_limits<float>::infinity()) == 0xfc00);
  CHECK((bits(std::numeric_limits<float>::quiet_NaN()) & 0x7fffU) > 0x7c00);
  CHECK((bits(std::bit_cast<float>(0x7f800001U)) & 0x7fffU) > 0x7c00);
  CHECK(bits(0x1p-24F) == 1);
  CHECK(bits(0x1p-25F) == 0);  // halfway
  CHECK(bits(-0x1.8p-25F) == 0x8001);
  CHECK(bits(0x1p-14F - 0x1p-26F) == 0x400);  // the least normal number
  int wrong = 0;
  for (uint32_t i = 0; i < 65536; ++i) {
    const float value = static_cast<float>(std::bit_cast<float16>(static_cast<uint16_t>(i)));
    // Said in another way than the operator does it.
    const uint32_t exponent = i >> 10 & 31U, mantissa = i & 1023U;
    double expected = exponent == 0 ? std::ldexp(mantissa, -24)
                                    : std::ldexp(1024.0 + mantissa, static_cast<int>(exponent) - 25);
    if (exponent == 31)
      expected =
          mantissa == 0 ? std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
    if (i >= 0x8000U) expected = -expected;
    const bool same =
        std::isnan(expected) ? std::isnan(value) : value == expected && std::signbit(value) == (i >= 0x8000U);
    wrong += same && (std::isnan(value) || float16(value).bits == i) ? 0 : 1;
  }
  CHECK(wrong == 0);
}

TEST_CASE("a shape prints, folds to rows, and refuses what it can't hold") {
  const Shape shape{32, 128, 768};
  CHECK(shape.str() == "[32, 128, 768]");
  CHECK(shape.rows() == 32 * 128);
  CHECK(shape[-1] == 768);
  CHECK_THROWS_WITH_AS((void)shape[3], "[shape] [32, 128, 768] has no dimension 3", Error);
  CHECK_THROWS_AS((Shape{1, 2, 3, 4, 5}), Error);
  CHECK_THROWS_AS((Shape{-1}), Error);
}
