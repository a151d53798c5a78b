#include "backends/cpu/thread_pool.h"

#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>

#include "core/processors.h"

#ifdef __linux__
#include <pthread.h>
#include <sched.h>
#endif

namespace gradus::cpu {
namespace {

// How long a thread looks for what it waits for before it sleeps. Between two kernels of a step pass microseconds, so
// most waits end before; and what is spun away on a busy machine stays small.
constexpr std::chrono::microseconds spin_time{200};

// A worker is idle, or has been offered a part of a job, or works on it. The caller offers and takes back, the worker, and
// others in its place, take: whoever changes `offered` has the part.
enum State : int { idle, offered, working };

bool change(std::atomic<int>& state, State from, State to) {
  int expected = from;
  return state.compare_exchange_strong(expected, to, std::memory_order_acq_rel);
}

void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Returns when the state is no longer `value`.
void wait_while(const std::atomic<int>& state, State value, bool spin) {
  if (spin) {
    const auto end = std::chrono::steady_clock::now() + spin_time;
    do {
      for (int i = 0; i < 16; ++i) {
        if (state.load(std::memory_order_acquire) != value) return;
        relax();
      }
    } while (std::chrono::steady_clock::now() < end);
  }
  state.wait(value, std::memory_order_acquire);
}

// OMP_PROC_BIND and OMP_PLACES bind the threads of OpenMP. They bind the program's first thread when it starts, of which ours
// would inherit the place.
void bind_to_place(int64_t lane) {
#ifdef __linux__
  const int places = omp_get_num_places();
  if (omp_get_proc_bind() == omp_proc_bind_false || places == 0) return;
  const int place = static_cast<int>(lane % places);
  std::vector<int> processors(static_cast<size_t>(omp_get_place_num_procs(place)));
  omp_get_place_proc_ids(place, processors.data());
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int processor : processors) {
    if (processor < CPU_SETSIZE) CPU_SET(processor, &set);
  }
  pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
#endif
}

}  // namespace

int thread_limit() { return omp_get_max_active_levels() > 0 ? omp_get_thread_limit() : 1; }

int threads_of_machine() { return static_cast<int>(within_quota(omp_get_num_procs())); }

int default_threads() {
  const char* const given = std::getenv("OMP_NUM_THREADS");
  return std::min(given != nullptr && *given != '\0' ? omp_get_max_threads() : threads_of_machine(),
                  thread_limit());
}

// Each lane has the shares lane, lane + lanes, and so on. Those of lane 0 are the caller's.
struct ThreadPool::Job {
  void (*call)(void* body, int64_t share);
  void* body;
  int64_t shares;
  int64_t lanes;
  bool spin = false;
  std::mutex guard{};
  std::exception_ptr error{};
};

struct alignas(64) ThreadPool::Worker {
  std::atomic<int> state{idle};
  int64_t lane = 0;
};

// Who has set the flag, and clears it.
class ThreadPool::Turn {
 public:
  explicit Turn(std::atomic_flag& taken)
      : taken_(taken), mine_(!taken.test_and_set(std::memory_order_acquire)) {}
  ~Turn() {
    if (mine_) taken_.clear(std::memory_order_release);
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  explicit operator bool() const { return mine_; }

 private:
  std::atomic_flag& taken_;
  bool mine_;
};

ThreadPool& ThreadPool::instance() {
  static auto& pool = *new ThreadPool;
  return pool;
}

// Runs the lane's shares, then those of other lanes that nobody has taken yet.
void ThreadPool::work(Job& job, int64_t lane) {
  for (int64_t i = 0; i < job.lanes; ++i) {
    const int64_t other = (lane + i) % job.lanes;
    if (i > 0 && (other == 0 || !change(workers_[static_cast<size_t>(other - 1)]->state, offered, idle)))
      continue;
    try {
      for (int64_t share = other; share < job.shares; share += job.lanes) job.call(job.body, share);
    } catch (...) {
      const std::lock_guard lock(job.guard);
      job.error = std::current_exception();
    }
  }
}

void ThreadPool::serve(Worker& worker) {
  bind_to_place(worker.lane);
  bool spin = false;
  for (;;) {
    wait_while(worker.state, idle, spin);
    if (!change(worker.state, offered, working)) continue;
    Job& job = *job_;
    spin = job.spin;
    work(job, worker.lane);
    worker.state.store(idle, std::memory_order_release);
    worker.state.notify_one();
  }
}

void ThreadPool::add_workers(int64_t threads) {
  threads = std::min<int64_t>(threads, thread_limit());
  while (!exhausted_ && static_cast<int64_t>(workers_.size()) + 1 < threads) {
    Worker& worker = *workers_.emplace_back(std::make_unique<Worker>());
    worker.lane = static_cast<int64_t>(workers_.size());
    try {
      std::thread([this, &worker] { serve(worker); }).detach();
    } catch (const std::system_error&) {
      workers_.pop_back();
      exhausted_ = true;
    }
  }
}

int64_t ThreadPool::grow(int64_t threads) {
  const Turn turn(taken_);
  if (!turn) return 1;
  add_workers(threads);
  return std::min<int64_t>(threads, static_cast<int64_t>(workers_.size()) + 1);
}

void ThreadPool::run(int64_t shares, int64_t threads, void (*call)(void* body, int64_t share), void* body) {
  const Turn turn(taken_);
  if (!turn) {
    for (int64_t share = 0; share < shares; ++share) call(body, share);
    return;
  }
  threads = std::min(shares, threads);
  add_workers(threads);
  Job job{call, body, shares, std::min<int64_t>(threads, static_cast<int64_t>(workers_.size()) + 1)};
  job.spin = job.lanes <= processors_;
  job_ = &job;
  for (int64_t lane = 1; lane < job.lanes; ++lane) {
    std::atomic<int>& state = workers_[static_cast<size_t>(lane - 1)]->state;
    state.store(offered, std::memory_order_release);
    state.notify_one();
  }
  work(job, 0);
  for (int64_t lane = 1; lane < job.lanes; ++lane) {
    wait_while(workers_[static_cast<size_t>(lane - 1)]->state, working, job.spin);
  }
  if (job.error) std::rethrow_exception(job.error);
}

}  // namespace gradus::cpu
