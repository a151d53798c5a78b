// How the CPU backend shares out work, on teams smaller than asked for as well.
#include "backends/cpu/parallel.h"

#include <doctest/doctest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <ctime>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace gradus::cpu;

namespace {

// Within a share there are no more threads, however many are asked for.
template <typename Work>
void on_a_team_of_one(Work&& work) {
  const int before = threads_to_use.exchange(2);
  for_each_share(2, [&](int64_t share) {
    if (share == 0) work();
  });
  threads_to_use = before;
}

constexpr size_t ways = 5;

// How often each item was met, over all ways to share out 1000 of them.
std::vector<std::vector<int>> visits() {
  std::vector<std::vector<int>> counts(ways, std::vector<int>(1000));
  const auto count_range = [&](std::vector<int>& count) {
    return [&count](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) ++count[static_cast<size_t>(i)];
    };
  };
  for_each_share(1000, [&](int64_t share) { ++counts[0][static_cast<size_t>(share)]; });
  parallel_for(1000, 1, count_range(counts[1]));
  parallel_for_elements(1000, 1, count_range(counts[2]));
  const auto count_item = [&](std::vector<int>& count) {
    return [&count](int64_t item, int64_t lane) {
      count[static_cast<size_t>(item)] += lane >= 0 && lane < max_threads() ? 1 : 100;
    };
  };
  parallel_for_each(1000, count_item(counts[3]));
  parallel_for_neighbours(1000, count_item(counts[4]));
  return counts;
}

}  // namespace

TEST_CASE("every share is computed once, whoever comes") {
  const std::vector<std::vector<int>> once(ways, std::vector<int>(1000, 1));
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
  CHECK(ThreadPool::instance().grow(3) == 3);
  on_a_team_of_one([] { CHECK(ThreadPool::instance().grow(3) == 1); });
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

TEST_CASE("each thread begins with neighbours, and then helps the others") {
  threads_to_use = 2;
  std::vector<int64_t> lanes(100, -1);
  std::atomic<bool> helped{false};
  parallel_for_neighbours(100, [&](int64_t item, int64_t lane) {
    lanes[static_cast<size_t>(item)] = lane;
    if (item >= 50 && lane == 0) helped = true;
    // The second range waits at its first item until the first thread has come over.
    if (item == 50 && lane == 1) {
      while (!helped) std::this_thread::yield();
    }
  });
  CHECK(lanes[0] == lanes[49]);
  CHECK(helped);
  parallel_for_neighbours(0, [](int64_t, int64_t) { throw std::runtime_error("nothing to do"); });
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

TEST_CASE("two threads may share out work at the same time") {
  const std::vector<std::vector<int>> once(ways, std::vector<int>(1000, 1));
  threads_to_use = 3;
  std::atomic<int> wrong{0};
  const auto work = [&] {
    for (int i = 0; i < 200; ++i) wrong += visits() == once ? 0 : 1;
  };
  std::thread other(work);
  work();
  other.join();
  CHECK(wrong == 0);
  threads_to_use = 1;
}

TEST_CASE("many short jobs, with pauses that let the threads fall asleep between some") {
  threads_to_use = 4;
  std::atomic<int64_t> sum{0};
  for (int64_t i = 0; i < 20000; ++i) {
    if (i % 1000 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    for_each_share(4, [&](int64_t share) { sum += share; });
  }
  CHECK(sum == 6 * 20000);
  threads_to_use = 1;
}

TEST_CASE("who waits does not take processor time for long") {
  threads_to_use = 2;
  const auto used = [] { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; };
  const double before = used();
  for (int i = 0; i < 20; ++i) {
    for (const int64_t slow : {0, 1}) {  // the caller waits for the other one, or the other way round
      for_each_share(2, [&](int64_t share) {
        if (share == slow) std::this_thread::sleep_for(std::chrono::milliseconds(10));
      });
    }
  }
  CHECK(used() - before < 0.1);  // of 0.4 s
  threads_to_use = 1;
}

TEST_CASE("what a thread that does not come would do, others do") {
  threads_to_use = 3;
  CHECK(visits()[0] == std::vector<int>(1000, 1));  // the threads are there
  std::atomic<int> held{0};
  std::atomic<bool> released{false};
  // Both other threads are held in a job of a thread of its own, and so is that one.
  std::thread holder([&] {
    for_each_share(3, [&](int64_t) {
      ++held;
      while (!released) std::this_thread::yield();
    });
  });
  while (held < 3) std::this_thread::yield();
  CHECK(visits() == std::vector<std::vector<int>>(ways, std::vector<int>(1000, 1)));
  released = true;
  holder.join();
  threads_to_use = 1;
}

#if !defined(__SANITIZE_THREAD__)
TEST_CASE("a process that was forked computes, on the one thread it has") {
  threads_to_use = 3;
  CHECK(visits()[0] == std::vector<int>(1000, 1));
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);
    _exit(visits() == std::vector<std::vector<int>>(ways, std::vector<int>(1000, 1)) ? 0 : 1);
  }
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  threads_to_use = 1;
}
#endif
