// The threads that compute.
//
// They are this backend's own and not OpenMP's because of how they wait. GCC's OpenMP lets a thread without work spin for
// milliseconds; on a machine with other work it thereby takes the processor from whoever it waits for. And a region of
// OpenMP waits for all its threads to come, also for one that has no processor, while here the others do its work.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

namespace gradus::cpu {

// How many threads the backend may have at most: fewer than asked for where OMP_THREAD_LIMIT or OMP_MAX_ACTIVE_LEVELS=0 say so,
// which hold for these threads as for OpenMP's.
int thread_limit();

// One thread per processor that this process may use: its affinity and the quotas of its control groups.
int threads_of_machine();

// What OMP_NUM_THREADS says, or one per processor that this process may use.
int default_threads();

class ThreadPool {
 public:
  // The threads of this process. They end with it: one that is asleep stands in nobody's way.
  static ThreadPool& instance();

  ThreadPool() = default;
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // Calls call(body, share) for each share in [0, shares), once, on the caller and up to `threads` - 1 more. As many shares as
  // there are threads run at a time, at most; where more come at once, the second caller, or one from within a share, runs all of its own alone.
  // What one of the calls throws is thrown here when all have ended.
  void run(int64_t shares, int64_t threads, void (*call)(void* body, int64_t share), void* body);

  // Makes threads until there are so many with the caller's, and returns how many there are: fewer than `threads` where the
  // limit is lower or the system gives no more.
  int64_t grow(int64_t threads);

 private:
  struct Job;
  struct Worker;
  class Turn;

  void add_workers(int64_t threads);
  void serve(Worker& worker);
  void work(Job& job, int64_t lane);

  std::atomic_flag taken_;  // by who calls run or grow; the rest belongs to them
  const int64_t processors_ = threads_of_machine();
  bool exhausted_ = false;  // the system gave no more threads
  std::vector<std::unique_ptr<Worker>> workers_;
  Job* job_ = nullptr;
};

}  // namespace gradus::cpu
