// Independent jobs on several threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "core/processors.h"

namespace gradus {

// How many threads an option means, where 0 stands for one per processor that this process may use.
inline int64_t thread_count(int64_t asked) {
  return asked > 0 ? asked : within_quota(std::thread::hardware_concurrency());
}

// Calls job(0) to job(count - 1), each once, on up to `threads` threads, begun in this order. After the first error no
// more are begun, and when those at work have ended it is thrown.
template <class Job>
void run_parallel(size_t count, int64_t threads, const Job& job) {
  std::atomic<size_t> next{0};
  std::atomic<bool> stopped{false};
  std::exception_ptr error;
  std::mutex guard;
  const auto work = [&] {
    for (size_t i = next++; i < count && !stopped; i = next++) {
      try {
        job(i);
      } catch (...) {
        const std::lock_guard lock(guard);
        if (!error) error = std::current_exception();
        stopped = true;
      }
    }
  };
  std::vector<std::thread> pool;
  const int64_t helpers = std::min(threads, static_cast<int64_t>(count)) - 1;
  try {
    for (int64_t t = 0; t < helpers; ++t) pool.emplace_back(work);
  } catch (const std::system_error&) {
    // The system gives no more threads: those there are do the work.
  }
  work();
  for (std::thread& thread : pool) thread.join();
  if (error) std::rethrow_exception(error);
}

}  // namespace gradus
