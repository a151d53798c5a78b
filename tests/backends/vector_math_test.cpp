#include "backends/cpu/vector_math.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "backends/cpu/philox.h"

using namespace gradus;
using namespace gradus::cpu;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

// Every 1009th float between `low` and `high`, over all magnitudes.
std::vector<float> floats_between(float low, float high) {
  std::vector<float> values;
  for (uint64_t bits = 0; bits < (uint64_t{1} << 32); bits += 1009) {
    const auto value = std::bit_cast<float>(static_cast<uint32_t>(bits));
    if (value >= low && value <= high) values.push_back(value);
  }
  return values;
}

// The largest error over `xs`, in units in the last place of the right value.
template <typename F, typename G>
double worst_ulps(const std::vector<float>& xs, F f, G exact) {
  double worst = 0;
  for (const float x : xs) {
    const double wanted = exact(static_cast<double>(x));
    const auto size = static_cast<float>(std::fabs(wanted));
    const double unit = static_cast<double>(std::nextafter(size, infinity)) - size;
    const double error = std::fabs(f(x) - wanted) / unit;
    if (!(error <= worst)) worst = error;  // also when it is not a number
  }
  return worst;
}

double normal_cdf(double x) { return 0.5 * std::erfc(-x * M_SQRT1_2); }

}  // namespace

TEST_CASE("simd_exp is within 1.5 units in the last place and right at the ends") {
  // The functions are always inlined, so each is called in a lambda and never through a pointer.
  CHECK(worst_ulps(
            floats_between(-86.97F, 88.72F), [](float x) { return simd_exp(x); },
            [](double x) { return std::exp(x); }) < 1.5);
  CHECK(simd_exp(0.0F) == 1.0F);
  CHECK(simd_exp(-infinity) == 0.0F);
  CHECK(simd_exp(-1e30F) == 0.0F);
  CHECK(simd_exp(-87.0F) == 0.0F);
  CHECK(simd_exp(88.73F) == infinity);
  CHECK(simd_exp(1e30F) == infinity);
  CHECK(simd_exp(infinity) == infinity);
  CHECK(std::isnan(simd_exp(not_a_number)));
}

TEST_CASE("simd_sigmoid and simd_tanh are within 3 units in the last place") {
  CHECK(worst_ulps(
            floats_between(-86.0F, 1e30F), [](float x) { return simd_sigmoid(x); },
            [](double x) { return 1 / (1 + std::exp(-x)); }) < 3);
  CHECK(worst_ulps(
            floats_between(-1e30F, 1e30F), [](float x) { return simd_tanh(x); },
            [](double x) { return std::tanh(x); }) < 3);
  CHECK(simd_sigmoid(-infinity) == 0.0F);
  CHECK(simd_sigmoid(infinity) == 1.0F);
  CHECK(simd_tanh(-infinity) == -1.0F);
  CHECK(simd_tanh(infinity) == 1.0F);
  CHECK(std::signbit(simd_tanh(-0.0F)));
  CHECK(std::isnan(simd_sigmoid(not_a_number)));
  CHECK(std::isnan(simd_tanh(not_a_number)));
}

TEST_CASE("normal keeps its bounds, in the left tail relative ones") {
  double worst = 0;
  double worst_tail = 0;
  for (const float x : floats_between(-13.0F, 1e30F)) {
    const Normal n = normal(x);
    const double square = static_cast<double>(x) * x;
    const double cdf = normal_cdf(x);
    const double density = std::exp(-square / 2) / std::sqrt(2 * M_PI);
    worst = std::max({worst, std::fabs(n.cdf - cdf), std::fabs(n.density - density)});
    const double bound = (3 + square / 2) * 1.2e-7;
    if (x < 0) worst_tail = std::max(worst_tail, std::fabs(n.cdf / cdf - 1) / bound);
    if (std::fabs(x) < 13) worst_tail = std::max(worst_tail, std::fabs(n.density / density - 1) / bound);
  }
  CHECK(worst < 1.3e-7);
  CHECK(worst_tail < 1);
  CHECK(normal(-infinity).cdf == 0.0F);
  CHECK(normal(infinity).cdf == 1.0F);
  CHECK(normal(0.0F).cdf == 0.5F);
  CHECK(std::isnan(normal(not_a_number).cdf));
}

TEST_CASE("widen and store go through bfloat16 as its constructor does") {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    bfloat16 x, y;
    x.bits = static_cast<uint16_t>(bits);
    const float wide = widen(x);
    store(y, wide);
    CHECK_EQ(std::bit_cast<uint32_t>(wide), bits << 16);
    if (!std::isnan(wide)) CHECK_EQ(y.bits, x.bits);
    else CHECK(std::isnan(widen(y)));
  }
  bfloat16 largest;
  store(largest, std::numeric_limits<float>::max());
  CHECK(widen(largest) == infinity);
}

TEST_CASE("put overwrites or adds") {
  float x = 3;
  put<false>(x, 4);
  CHECK(x == 4.0F);
  put<true>(x, 0.5F);
  CHECK(x == 4.5F);
}

TEST_CASE("the vector form of a dropout mask is that of DropoutMask::keeps") {
  for (const float probability : {0.1F, 0.5F, 0.999F}) {
    const DropoutMask dropout{probability, {0x12345678, 0x9abcdef0}, 77, (3U << 16) + 5};
    for (const int64_t count : {1, 17, 128, 129, 500}) {
      for (const int64_t row : {int64_t{0}, int64_t{1}, int64_t{4096} * 12 + 7, int64_t{0xffffffff}}) {
        std::vector<float> factors(static_cast<size_t>(round_up(count, mask_chunk)), -1.0F);
        dropout_factors(dropout, row, count, factors.data());
        int differing = 0;
        for (int64_t column = 0; column < count; ++column) {
          const bool keeps = dropout.keeps(static_cast<uint32_t>(row), static_cast<uint32_t>(column));
          if (factors[static_cast<size_t>(column)] != (keeps ? dropout.scale() : 0.0F)) ++differing;
        }
        CHECK(differing == 0);
      }
    }
  }
}
