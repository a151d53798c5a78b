// How the CPU backend shares out work, on teams smaller than asked for as well.
#include "backends/cpu/parallel.h"

#include <doctest/doctest.h>

#include <stdexcept>
#include <thread>
#include <vector>

using namespace gradus::cpu;

namespace {

// Inside of a parallel region a further one has a single thread, however many it asks for.
template <typename Work>
void on_a_team_of_one(Work&& work) {
#pragma omp parallel num_threads(2)
#pragma omp master
  work();
}

// How often each item was met, over all ways to share out 1000 of them.
std::vector<std::vector<int>> visits() {
  std::vector<std::vector<int>> counts(4, std::vector<int>(1000));
  const auto count_range = [&](std::vector<int>& count) {
    return [&count](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) ++count[static_cast<size_t>(i)];
    };
  };
  for_each_share(1000, [&](int64_t share) { ++counts[0][static_cast<size_t>(share)]; });
  parallel_for(1000, 1, count_range(counts[1]));
  parallel_for_elements(1000, 1, count_range(counts[2]));
  parallel_for_each(1000, [&](int64_t item, int64_t lane) {
    counts[3][static_cast<size_t>(item)] += lane >= 0 && lane < max_threads() ? 1 : 100;
  });
  return counts;
}

}  // namespace

TEST_CASE("every share is computed once, whoever comes") {
  const std::vector<std::vector<int>> once(4, std::vector<int>(1000, 1));
  threads_to_use = 5;
  CHECK(visits() == once);
  on_a_team_of_one([&] { CHECK(visits() == once); });
  threads_to_use = 1;
  CHECK(visits() == once);
}

TEST_CASE("the number of threads is the backend's, from whichever thread it is called") {
  threads_to_use = 3;
  int64_t lanes = 0;
  std::thread([&] { lanes = max_threads(); }).join();
  CHECK(lanes == 3);
  CHECK(threads_that_come(3) == 3);
  on_a_team_of_one([] { CHECK(threads_that_come(3) == 1); });
  threads_to_use = 1;
}

TEST_CASE("shares of elements begin at whole vectors") {
  threads_to_use = 7;
  parallel_for_elements(1000, 1, [](int64_t begin, int64_t end) {
    if (begin % 64 != 0 || (end % 64 != 0 && end != 1000)) throw std::runtime_error("within a vector");
  });
  parallel_for_elements(0, 1, [](int64_t, int64_t) { throw std::runtime_error("nothing to do"); });
  threads_to_use = 1;
}

TEST_CASE("what a share throws reaches the caller") {
  const auto one_fails = [](int64_t share) {
    if (share == 3) throw std::runtime_error("share 3");
  };
  CHECK_THROWS_WITH_AS(for_each_share(5, one_fails), "share 3", std::runtime_error);
  on_a_team_of_one(
      [&] { CHECK_THROWS_WITH_AS(for_each_share(5, one_fails), "share 3", std::runtime_error); });
}
