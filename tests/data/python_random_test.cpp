#include "data/python_random.h"

#include <doctest/doctest.h>

#include <numeric>

#include "core/error.h"

using namespace gradus;

namespace {

// What CPython 3.11 printed.
struct Case {
  uint64_t seed;
  double first, second;
  std::vector<int64_t> integers;
  std::vector<int> shuffled;
  double last;
};

const std::vector<Case> cases{
    {0,
     0.8444218515250481,
     0.7579544029403025,
     {1, 1, 1, 4, 3, 3, 2, 499741, 375434, 2505606784},
     {5, 4, 9, 6, 0, 1, 7, 2, 8, 3},
     0.990847884265713},
    {12345,
     0.41661987254534116,
     0.010169169457068361,
     {1, 1, 1, 2, 4, 3, 1, 391178, 130296, 3754550194},
     {5, 0, 3, 7, 1, 9, 8, 2, 4, 6},
     0.171819982833314},
    {4294967303,
     0.22550888929893187,
     0.35860096918797,
     {1, 1, 1, 0, 4, 2, 4, 819516, 707908, 3963365858},
     {5, 0, 8, 7, 3, 9, 2, 4, 6, 1},
     0.5213434922821581},
    {18446744073709551615U,
     0.021825695401270107,
     0.3380953268613758,
     {1, 1, 1, 2, 5, 5, 5, 56986, 772924, 826990557},
     {4, 0, 9, 5, 3, 2, 6, 1, 7, 8},
     0.40944388991366654},
};

}  // namespace

TEST_CASE("random numbers are Python's, for seeds of one word and of two") {
  for (const Case& c : cases) {
    CAPTURE(c.seed);
    PythonRandom random(c.seed);
    CHECK(random.random() == c.first);
    CHECK(random.random() == c.second);
    std::vector<int64_t> drawn;
    for (int i = 0; i < 3; ++i) drawn.push_back(random.randint(1, 1));
    for (int i = 0; i < 4; ++i) drawn.push_back(random.randint(0, 5));
    for (int i = 0; i < 2; ++i) drawn.push_back(random.randint(-7, 1000000));
    drawn.push_back(random.randint(1, 4294967295));
    CHECK(drawn == c.integers);
    std::vector<int> items(10);
    std::iota(items.begin(), items.end(), 0);
    random.shuffle(items);
    CHECK(items == c.shuffled);
    for (int i = 0; i < 1000; ++i) random.random();  // past a renewal of the generator's state
    CHECK(random.random() == c.last);
  }
}

TEST_CASE("random numbers are refused where there are none") {
  PythonRandom random(1);
  CHECK_THROWS_AS(random.randint(2, 1), Error);
  CHECK_THROWS_AS(random.randint(0, 4294967295), Error);
}
