// Splitting a range over the OpenMP threads.
#pragma once

#include <omp.h>

#include <algorithm>
#include <cstdint>

namespace gradus::cpu {

// Calls body(begin, end) on each thread with its share of [0, n), when every share has at least `grain` items.
// The shares depend on the number of threads alone, so results that depend on them repeat.
template <typename Body>
void parallel_for(int64_t n, int64_t grain, Body&& body) {
  const int64_t shares = std::min<int64_t>(omp_get_max_threads(), n / std::max<int64_t>(grain, 1));
  if (shares <= 1) {
    if (n > 0) body(int64_t{0}, n);
    return;
  }
#pragma omp parallel num_threads(static_cast <int>(shares))
  {
    const int64_t share = omp_get_thread_num();
    body(n * share / shares, n * (share + 1) / shares);
  }
}

}  // namespace gradus::cpu
