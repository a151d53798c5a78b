// The emulated device: the language of backends/cuda/*.cu as plain C++, so that the same sources run where there is no GPU and no
// CUDA. A kernel's blocks run one after the other, the threads of a block in turns: a thread goes on until it waits for others, at a
// barrier or in an operation of its warp, and who goes on then is drawn. Without a barrier where one is needed, threads see
// what others have written or have not, and the bits change with the schedule.
//
// What a GPU would leave undefined is an Error here, with its place: a barrier or a warp operation that not all threads reach (threads
// that have ended included, which a GPU lets pass), a value asked of a lane that takes no part, copies that nobody waits for, sums
// of floats in an order that nobody knows. Shared memory that nobody wrote is NaN, or -1. The address sanitizer sees every index.
//
// Atomic operations are those of integers alone.
#pragma once

#define GRADUS_EMULATED_DEVICE

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/error.h"

struct dim3 {
  unsigned x = 1, y = 1, z = 1;
};

// Of the thread that runs.
inline dim3 threadIdx, blockIdx, blockDim, gridDim;

#define __global__
#define __device__
#define __forceinline__ inline
#define __launch_bounds__(...)

namespace gradus::emulator {

using Site = std::source_location;

// --- what the tests set -----------------------------------------------------------------------------

// The order of blocks and threads, from the next launch on.
void set_schedule(uint64_t seed);

// What the device says it has left, in bytes.
inline size_t free_memory = size_t{1} << 30;

// --- what the tests count -----------------------------------------------------------------------------

// What kernels have done since somebody set it to zero.
struct Counts {
  int64_t launches = 0, blocks = 0, threads = 0;
  int64_t barriers = 0;         // of blocks
  int64_t warp_operations = 0;  // of warps: shuffles, votes, products of matrices
  int64_t global_bytes = 0;     // that kernels say they load and store; only those of tests do
  int64_t copied_bytes = 0;     // by copies that go on while the thread does
  size_t shared_bytes = 0;      // the most that a block had
};
inline Counts counts;

// --- streams ----------------------------------------------------------------------------------------

// Whether streams that are opened from now on are late: nothing in them runs before somebody waits for it. Otherwise all runs at
// once, so that an error is thrown where the kernel is called, and the address sanitizer guards memory that was let go.
inline bool streams_are_late = false;

// Graphs that ended while the device was still to run them.
inline int graphs_lost = 0;

// What a stream was given and the device has not run.
class Queue {
 public:
  void add(std::function<void()> work) {
    if (captured_) return captured_->push_back(std::move(work));
    work_.push_back(std::move(work));
    if (!is_late_) run(given());
  }
  // From the one to the other what is added is kept.
  void begin_capture() { captured_.emplace(); }
  std::vector<std::function<void()>> end_capture() { return std::exchange(captured_, {}).value(); }
  bool is_capturing() const { return captured_.has_value(); }
  // How much was ever given; run(n) has the device come there. What it throws is told to who waits, and the rest is lost, as on a
  // device.
  size_t given() const { return run_ + work_.size(); }
  void run(size_t until);

 private:
  const bool is_late_ = streams_are_late;
  std::deque<std::function<void()>> work_;
  std::optional<std::vector<std::function<void()>>> captured_;
  size_t run_ = 0;
};

inline void enqueue(Queue* queue, std::function<void()> work) {
  if (queue == nullptr) work();
  else queue->add(std::move(work));
}

// Bytes of shared memory that a block has, as on the least of the devices that the backend is for.
constexpr size_t shared_limit = size_t{99} << 10;

// --- what kernels are made of -----------------------------------------------------------------------

// Runs a kernel to its end. Throws Error when it does what a device leaves undefined, or takes more shared memory than a block may have.
void run(dim3 grid, dim3 block, size_t shared_bytes, const std::function<void()>& thread,
         size_t most_shared = shared_limit);

// An array of the block's own: the same for all its threads, by the place in the source that asks.
void* shared_array(size_t bytes, const void* place);
// The array whose size the launch says.
void* dynamic_shared();

void sync_threads(const Site& site);
// Waits for all threads of the block, and tells how many of them have said true.
int sync_threads_count(bool said, const Site& site);

// What the lanes of a warp do together: the last one to come lets `finish` look at what all have brought, by lane, null for those that
// take no part.
using Finish = void (*)(void* const (&brought)[32]);
void together(unsigned mask, void* brought, Finish finish, const char* what, const Site& site);

[[noreturn]] void fail_at(const Site& site, const char* what);

template <typename T>
struct Shuffled {
  T value;
  int source;  // lane
  bool missing = false;
  T result{};

  static void finish(void* const (&brought)[32]) {
    for (void* const lane : brought) {
      if (lane == nullptr) continue;
      auto& mine = *static_cast<Shuffled*>(lane);
      const void* const from = brought[mine.source];
      mine.missing = from == nullptr;
      if (from != nullptr) mine.result = static_cast<const Shuffled*>(from)->value;
    }
  }
};

int lane_of_thread();

// `source` is a lane of the group of `width` lanes that this one is in; beyond the group's ends a lane keeps its own value.
template <typename T>
T shuffle(unsigned mask, T value, int source, int width, const Site& site) {
  check(width > 0 && width <= 32 && (width & (width - 1)) == 0, "[emulated device] a shuffle of width {}",
        width);
  const int lane = lane_of_thread(), group = lane / width * width;
  Shuffled<T> mine{value, source < group || source >= group + width ? lane : source};
  together(mask, &mine, Shuffled<T>::finish, "a shuffle", site);
  if (mine.missing) fail_at(site, "a shuffle takes the value of a lane that takes no part");
  return mine.result;
}

struct Vote {
  bool said;
  unsigned result = 0;

  static void finish(void* const (&brought)[32]) {
    unsigned all = 0;
    for (int lane = 0; lane < 32; ++lane)
      if (brought[lane] != nullptr && static_cast<const Vote*>(brought[lane])->said) all |= 1U << lane;
    for (void* const lane : brought)
      if (lane != nullptr) static_cast<Vote*>(lane)->result = all;
  }
};

inline unsigned vote(unsigned mask, bool said, const Site& site) {
  Vote mine{said};
  together(mask, &mine, Vote::finish, "a vote", site);
  return mine.result;
}

// --- matrices of a warp (backends/cuda/matrix.h) ------------------------------------------------------

using Widen = float (*)(uint16_t bits);
void multiply_fragments(float (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], Widen widen,
                        const Site& site = Site::current());
void load_fragments(uint32_t (&words)[4], const void* row, bool transposed,
                    const Site& site = Site::current());

// --- copies to shared memory that go on while the thread does ------------------------------------------

// They land at the wait, with what their source holds by then; until then the target is NaN.
void begin_copy(void* target, const void* source, size_t bytes, const Site& site);
void end_group();
// Waits until so many groups, the last ones, at most are under way.
void wait_for_groups(int most);

}  // namespace gradus::emulator

#define GRADUS_SITE std::source_location at = std::source_location::current()

inline void __syncthreads(GRADUS_SITE) { gradus::emulator::sync_threads(at); }
inline int __syncthreads_count(int said, GRADUS_SITE) {
  return gradus::emulator::sync_threads_count(said != 0, at);
}
inline int __syncthreads_or(int said, GRADUS_SITE) {
  return gradus::emulator::sync_threads_count(said != 0, at) > 0 ? 1 : 0;
}
inline int __syncthreads_and(int said, GRADUS_SITE) {
  return gradus::emulator::sync_threads_count(said == 0, at) == 0 ? 1 : 0;
}
inline void __syncwarp(unsigned mask = 0xffffffffU, GRADUS_SITE) { gradus::emulator::vote(mask, false, at); }

template <typename T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32, GRADUS_SITE) {
  const int group = gradus::emulator::lane_of_thread() / width * width;
  return gradus::emulator::shuffle(mask, value, group + (source & (width - 1)), width, at);
}
template <typename T>
T __shfl_xor_sync(unsigned mask, T value, int bits, int width = 32, GRADUS_SITE) {
  return gradus::emulator::shuffle(mask, value, gradus::emulator::lane_of_thread() ^ bits, width, at);
}
template <typename T>
T __shfl_down_sync(unsigned mask, T value, unsigned distance, int width = 32, GRADUS_SITE) {
  return gradus::emulator::shuffle(
      mask, value, gradus::emulator::lane_of_thread() + static_cast<int>(distance), width, at);
}
template <typename T>
T __shfl_up_sync(unsigned mask, T value, unsigned distance, int width = 32, GRADUS_SITE) {
  return gradus::emulator::shuffle(
      mask, value, gradus::emulator::lane_of_thread() - static_cast<int>(distance), width, at);
}
inline unsigned __ballot_sync(unsigned mask, int said, GRADUS_SITE) {
  return gradus::emulator::vote(mask, said != 0, at);
}
inline int __any_sync(unsigned mask, int said, GRADUS_SITE) {
  return gradus::emulator::vote(mask, said != 0, at) != 0 ? 1 : 0;
}
inline int __all_sync(unsigned mask, int said, GRADUS_SITE) {
  return gradus::emulator::vote(mask, said == 0, at) == 0 ? 1 : 0;
}

// Sums of integers have the same result in every order; sums of floats have not.
template <typename T>
T atomicAdd(T* place, std::type_identity_t<T> value, GRADUS_SITE) {
  if constexpr (!std::is_integral_v<T>)
    gradus::emulator::fail_at(at, "a sum of floats by atomicAdd depends on the order of threads");
  const T before = *place;
  *place = static_cast<T>(before + value);
  return before;
}
template <typename T>
T atomicCAS(T* place, std::type_identity_t<T> expected, std::type_identity_t<T> value) {
  const T before = *place;
  if (before == expected) *place = value;
  return before;
}
