#include "tasks/metrics/correlation.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "core/error.h"
#include "tests/tasks/golden_scores.h"

using namespace gradus;

namespace {

using Values = std::vector<double>;

struct Pairs {
  Values x, y;
};

// The values of a case, computed as in make_scores.py.
Pairs values_of(const Json& c) {
  Pairs pairs;
  const auto x_levels = c["x_levels"].get<uint32_t>(), y_levels = c["y_levels"].get<uint32_t>();
  const auto number = [&](const char* name) { return c[name].number(); };
  const double x_offset = number("x_offset"), x_scale = number("x_scale"), y_offset = number("y_offset"),
               y_scale = number("y_scale"), slope = number("slope");
  for (int64_t i = 0; i < c["count"].integer(); ++i) {
    const double a = golden_noise(i, 4) % x_levels, b = golden_noise(i, 5) % y_levels;
    pairs.x.push_back(x_offset + x_scale * a);
    pairs.y.push_back(y_offset + y_scale * (slope * a + b));
  }
  return pairs;
}

// 0 for what SciPy has no number for.
double or_zero(const Json& value) { return value.is_null() ? 0 : value.get<double>(); }

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

}  // namespace

TEST_CASE("correlations are those of SciPy, and of exact arithmetic") {
  const Json cases = golden_cases("correlation");
  REQUIRE(cases.size() == 17);
  for (const Json& expected : cases.items()) {
    CAPTURE(expected["name"].get<std::string>());
    const auto [x, y] = values_of(expected);
    const double exact = or_zero(expected["exact_pearson"]), scipy = or_zero(expected["pearson"]);
    CHECK(std::abs(pearson_correlation(x, y) - exact) < 1e-13);
    CHECK(std::abs(pearson_correlation(y, x) - exact) < 1e-13);
    CHECK(std::abs(pearson_correlation(x, y) - scipy) < 1e-9 + std::abs(scipy - exact));
    CHECK(std::abs(spearman_correlation(x, y) - or_zero(expected["spearman"])) < 1e-13);
  }
}

TEST_CASE("correlations of too few or equal values are 0") {
  for (const auto& correlation : {pearson_correlation, spearman_correlation}) {
    CHECK(correlation(Values{}, Values{}) == 0);
    CHECK(correlation(Values{1}, Values{2}) == 0);
    CHECK(correlation(Values{0.1, 0.1, 0.1}, Values{1, 2, 3}) == 0);
    CHECK(correlation(Values{1, 2, 3}, Values{-1e300, -1e300, -1e300}) == 0);
    CHECK(correlation(Values{0, 0}, Values{0, 0}) == 0);
  }
  CHECK(spearman_correlation_without_ties(Values{}, Values{}) == 0);
  CHECK(spearman_correlation_without_ties(Values{1}, Values{2}) == 0);
}

TEST_CASE("Pearson's correlation of the largest and smallest numbers") {
  constexpr double largest = std::numeric_limits<double>::max(), smallest = 5e-324;
  CHECK(pearson_correlation(Values{-largest, largest}, Values{1, 2}) == doctest::Approx(1));
  CHECK(pearson_correlation(Values{0, smallest}, Values{2, 1}) == doctest::Approx(-1));
  CHECK(pearson_correlation(Values{1, std::nextafter(1, 2)}, Values{largest, 0}) == doctest::Approx(-1));
}

TEST_CASE("Spearman's correlation without ties ranks equal values in the order in which they come") {
  const Values rising{1, 2, 3, 4, 5}, falling{5, 4, 3, 2, -1}, mixed{2, 1, 4, 3, 5};
  CHECK(spearman_correlation(rising, rising) == doctest::Approx(1));
  CHECK(spearman_correlation(rising, falling) == doctest::Approx(-1));
  CHECK(spearman_correlation(mixed, rising) == doctest::Approx(0.8));
  CHECK(spearman_correlation_without_ties(mixed, rising) == doctest::Approx(0.8));
  // Ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4: 4.5 / sqrt(4.5 * 5). Without shared ranks all agree.
  const Values equal{4, 3, 3, 1}, labels{9, 8, 7, 6};
  CHECK(spearman_correlation(equal, labels) == doctest::Approx(4.5 / std::sqrt(22.5)));
  CHECK(spearman_correlation_without_ties(equal, labels) == 1);
  CHECK(spearman_correlation_without_ties(Values{1, 1, 1}, Values{7, 8, 9}) == -1);
}

TEST_CASE("correlations refuse what is no number, and lists of different lengths") {
  for (const auto& correlation :
       {pearson_correlation, spearman_correlation, spearman_correlation_without_ties}) {
    CHECK_THROWS_WITH_AS(correlation(Values{1}, Values{1, 2}),
                         "[metrics] 1 predictions, expected 2 as there are labels", Error);
    CHECK_THROWS_WITH_AS(correlation(Values{1, not_a_number}, Values{1, 2}),
                         "[metrics] prediction nan and label 2 at 1, expected finite numbers", Error);
    CHECK_THROWS_AS(correlation(Values{1, 2}, Values{1, infinity}), Error);
  }
}
