// Sharing work out over threads: the only way of the backend to its threads.
//
// There may be fewer than asked for (OMP_THREAD_LIMIT, a call from within another one), so nothing here counts on a thread: those
// that come go through all shares. And no result depends on the number of threads: what a share is decides who computes
// an element, never how.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <type_traits>

#include "backends/cpu/simd.h"
#include "backends/cpu/thread_pool.h"

namespace gradus::cpu {

// The threads that kernels use, from whichever thread they are called.
inline std::atomic<int> threads_to_use{default_threads()};

inline int64_t max_threads() { return threads_to_use; }

// Calls body(share) for each share in [0, shares), once, on as many threads as come. What one of them throws is thrown
// here when all have ended.
template <typename Body>
void for_each_share(int64_t shares, Body&& body) {
  if (shares == 1) return body(int64_t{0});
  using Function = std::remove_reference_t<Body>;
  const auto call = [](void* context, int64_t share) { (*static_cast<Function*>(context))(share); };
  ThreadPool::instance().run(shares, max_threads(), call, const_cast<std::remove_const_t<Function>*>(&body));
}

// Calls body(begin, end) for the shares of [0, n), of which each has at least `grain` items.
template <typename Body>
void parallel_for(int64_t n, int64_t grain, Body&& body) {
  if (n <= 0) return;
  const int64_t shares =
      std::clamp<int64_t>(n / std::max<int64_t>(grain, 1), 1, std::max<int64_t>(max_threads(), 1));
  for_each_share(shares, [&](int64_t share) { body(n * share / shares, n * (share + 1) / shares); });
}

// The same for loops over elements. Shares begin at whole vectors: a compiler may round differently in a loop's rest.
template <typename Body>
void parallel_for_elements(int64_t n, int64_t grain, Body&& body) {
  constexpr int64_t unit = 64;
  parallel_for(ceil_div(n, unit), grain / unit,
               [&](int64_t begin, int64_t end) { body(begin * unit, std::min(end * unit, n)); });
}

// Calls body(item, lane) for each item in [0, n), begun in this order, each on the next thread that is free. No two
// calls at a time have the same lane, which is below max_threads().
template <typename Body>
void parallel_for_each(int64_t n, Body&& body) {
  if (n <= 0) return;
  std::atomic<int64_t> next{0};
  for_each_share(std::min(n, max_threads()), [&](int64_t lane) {
    for (int64_t item = next++; item < n; item = next++) body(item, lane);
  });
}

// The same, where neighbours use the same memory: each thread begins with a range of its own, the one that parallel_for would
// give it, so that it finds in its cache what it wrote there before; then it helps the others.
template <typename Body>
void parallel_for_neighbours(int64_t n, Body&& body) {
  if (n <= 0) return;
  const int64_t lanes = std::min(n, max_threads());
  struct alignas(64) Range {
    std::atomic<int64_t> next;
  };
  const auto ranges = std::make_unique<Range[]>(static_cast<size_t>(lanes));
  for (int64_t i = 0; i < lanes; ++i) ranges[static_cast<size_t>(i)].next = n * i / lanes;
  for_each_share(lanes, [&](int64_t lane) {
    for (int64_t i = 0; i < lanes; ++i) {
      const int64_t range = (lane + i) % lanes;
      const int64_t end = n * (range + 1) / lanes;
      std::atomic<int64_t>& next = ranges[static_cast<size_t>(range)].next;
      for (int64_t item = next++; item < end; item = next++) body(item, lane);
    }
  });
}

}  // namespace gradus::cpu
