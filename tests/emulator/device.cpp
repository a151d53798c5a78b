#include "tests/emulator/device.h"

#include <bit>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "core/random.h"
#include "tests/emulator/fiber.h"

namespace gradus::emulator {
namespace {

constexpr unsigned most_threads = 1024;
constexpr int unwritten = 0xff;  // every byte: NaN as a float, of both kinds with 16 bits too

std::string place_of(const Site& site) {
  const std::string_view file = site.file_name();
  return fmt::format("{}:{}", file.substr(file.rfind('/') + 1), site.line());
}

bool same(const Site& a, const Site& b) {
  return a.line() == b.line() && a.column() == b.column() &&
         (a.file_name() == b.file_name() || std::string_view(a.file_name()) == b.file_name());
}

struct Copy {
  void* target;
  const void* source;
  size_t bytes;
  Site site;
};

// A thread of the block that runs.
struct Thread {
  dim3 index;
  std::unique_ptr<Fiber> fiber;  // while it has begun and not ended
  bool has_begun = false, has_ended = false;
  // What it waits for.
  enum class Wait : uint8_t { nothing, block, warp } wait = Wait::nothing;
  Site site{};
  const char* what = "";
  unsigned mask = 0;
  void* brought = nullptr;
  Finish finish = nullptr;
  bool said = false;
  int heard = 0;
  std::vector<std::vector<Copy>> groups;  // copies under way, the oldest group first
  std::vector<Copy> begun;                // those of no group yet

  // As a thread that has not begun: one object serves in block after block, with the memory that it has.
  void renew(dim3 place) {
    index = place;
    has_begun = has_ended = false;
    wait = Wait::nothing;
    groups.clear();
    begun.clear();
  }
};

struct Block {
  std::vector<Thread> threads;
  std::vector<unsigned> at_operation;  // for each warp, how many of its lanes wait for others
  std::map<const void*, std::vector<std::byte>> arrays;
  std::vector<std::byte> dynamic;
  size_t shared_bytes = 0, most_shared = 0;
  size_t current = 0;                           // the thread that runs
  size_t at_barrier = 0, first_at_barrier = 0;  // how many threads wait there, and which came first
  std::vector<size_t> ready;                    // threads that can go on
};

uint64_t schedule = 1;
uint32_t launches = 0;  // under this schedule
std::optional<Block> running;
std::vector<std::unique_ptr<Fiber>> idle_fibers;

Block& block() {
  check(running.has_value(), "[emulated device] outside of a kernel");
  return *running;
}
Thread& current() { return block().threads[block().current]; }

// Leaves the thread until what it waits for has happened.
void wait_here(Thread& thread, Thread::Wait wait) {
  thread.wait = wait;
  Fiber::leave();
}

// A thread has come to a barrier: whether it is the last one, and all go on.
bool release_block(Block& b, size_t number) {
  if (b.at_barrier++ == 0) b.first_at_barrier = number;
  const Site &first = b.threads[b.first_at_barrier].site, &mine = b.threads[number].site;
  if (!same(mine, first))  // places are told only then: barriers are many
    fail("[emulated device] threads of a block wait at different barriers: {} and {}", place_of(first),
         place_of(mine));
  if (b.at_barrier < b.threads.size()) return false;
  b.at_barrier = 0;
  ++counts.barriers;
  const auto said = static_cast<int>(std::ranges::count(b.threads, true, &Thread::said));
  for (Thread& thread : b.threads) {
    thread.wait = Thread::Wait::nothing;
    thread.heard = said;
  }
  return true;
}

// All lanes that a thread waits for have come to the same operation.
bool release_warp(Block& b, size_t number) {
  const Thread& one = b.threads[number];
  const size_t first = number / 32 * 32;
  if (const size_t lanes = b.threads.size() - first; lanes < 32 && one.mask >> lanes != 0)
    fail("[emulated device] {}: {} of lanes that the block of {} threads has not: mask {:#x}",
         place_of(one.site), one.what, b.threads.size(), one.mask);
  unsigned& waiting = b.at_operation[number / 32];
  if (++waiting < static_cast<unsigned>(std::popcount(one.mask))) return false;
  void* brought[32] = {};
  for (size_t lane = 0; lane < 32; ++lane) {
    if ((one.mask >> lane & 1U) == 0) continue;
    const Thread& other = b.threads[first + lane];
    if (other.wait != Thread::Wait::warp) return false;
    if ((other.mask >> number % 32 & 1U) == 0) return false;  // it is busy with others, and may come later
    if (other.mask != one.mask || other.finish != one.finish || !same(other.site, one.site))
      fail(
          "[emulated device] lanes of a warp meet in different operations: {} at {} with mask {:#x}, {} at "
          "{} "
          "with mask {:#x}",
          one.what, place_of(one.site), one.mask, other.what, place_of(other.site), other.mask);
    brought[lane] = other.brought;
  }
  one.finish(brought);
  ++counts.warp_operations;
  for (size_t lane = 0; lane < 32; ++lane)
    if ((one.mask >> lane & 1U) != 0) b.threads[first + lane].wait = Thread::Wait::nothing;
  waiting -= static_cast<unsigned>(std::popcount(one.mask));
  return true;
}

// Nobody can go on: says who waits for whom.
[[noreturn]] void fail_stuck(const Block& b) {
  size_t ended = 0;
  std::map<std::string, size_t> places;
  for (const Thread& thread : b.threads) {
    ended += thread.has_ended ? 1 : 0;
    if (thread.wait == Thread::Wait::block) ++places["the barrier at " + place_of(thread.site)];
    if (thread.wait == Thread::Wait::warp)
      ++places[fmt::format("{} at {}", thread.what, place_of(thread.site))];
  }
  std::string waiting;
  for (const auto& [place, count] : places)
    waiting += fmt::format("{}{} wait in {}", waiting.empty() ? "" : ", ", count, place);
  fail("[emulated device] {} of the block's {} threads have ended, {}: not all threads come there", ended,
       b.threads.size(), waiting);
}

void end_thread(Thread& thread) {
  thread.has_ended = true;
  idle_fibers.push_back(std::move(thread.fiber));
  const auto check_none = [](const std::vector<Copy>& copies) {
    if (!copies.empty())
      fail_at(copies.front().site, "a thread ends without waiting for its copy to shared memory");
  };
  std::ranges::for_each(thread.groups, check_none);
  check_none(thread.begun);
}

// Runs a thread until it waits or ends.
void go_on(Block& b, size_t number, const std::function<void()>& work) {
  b.current = number;
  Thread& thread = b.threads[number];
  threadIdx = thread.index;
  if (thread.has_begun) {
    thread.fiber->enter();
  } else {
    thread.has_begun = true;
    if (idle_fibers.empty()) idle_fibers.push_back(std::make_unique<Fiber>());
    thread.fiber = std::move(idle_fibers.back());
    idle_fibers.pop_back();
    thread.fiber->start(work);
  }
  if (thread.fiber->has_ended()) end_thread(thread);
}

// Draws are fair: over many turns all warps come about equally far, and what one reads too early is there all the same. So in half of the
// blocks a warp runs ahead: until it waits for the block, no other one goes on.
void run_block(const std::function<void()>& work, RandomSequence& random) {
  Block& b = *running;
  const bool warps_run_ahead = random.below(2) == 1;
  std::vector<size_t>& ready = b.ready;
  ready.resize(b.threads.size());
  std::iota(ready.begin(), ready.end(), size_t{0});
  size_t left = ready.size();
  if (warps_run_ahead) random.shuffle(ready);
  while (left > 0) {
    if (ready.empty()) fail_stuck(b);
    if (!warps_run_ahead) std::swap(ready[random.below(static_cast<uint32_t>(ready.size()))], ready.back());
    const size_t number = ready.back();
    ready.pop_back();
    go_on(b, number, work);
    const Thread& thread = b.threads[number];
    if (thread.has_ended) {
      --left;
    } else if (thread.wait == Thread::Wait::warp && release_warp(b, number)) {
      for (size_t lane = 0; lane < 32; ++lane)
        if ((thread.mask >> lane & 1U) != 0) ready.push_back(number / 32 * 32 + lane);
    } else if (thread.wait == Thread::Wait::block && release_block(b, number)) {
      for (size_t i = 0; i < b.threads.size(); ++i) ready.push_back(i);
      if (warps_run_ahead) random.shuffle(ready);
    }
  }
}

void land(const std::vector<Copy>& group) {
  for (const Copy& copy : group) std::memcpy(copy.target, copy.source, copy.bytes);
}

// What takes no part in a run any more, however it ended.
class Run {
 public:
  Run() { check(!running.has_value(), "[emulated device] a kernel is launched by a kernel"); }
  ~Run() { running.reset(); }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;
};

}  // namespace

void set_schedule(uint64_t seed) {
  schedule = seed;
  launches = 0;
}

void run(dim3 grid, dim3 size, size_t shared_bytes, const std::function<void()>& thread, size_t most_shared) {
  const uint64_t threads = uint64_t{size.x} * size.y * size.z, blocks = uint64_t{grid.x} * grid.y * grid.z;
  check(threads > 0 && threads <= most_threads && size.z <= 64,
        "[emulated device] a block of {} x {} x {} threads", size.x, size.y, size.z);
  check(blocks > 0 && grid.x <= 0x7fffffffU && grid.y <= 65535 && grid.z <= 65535,
        "[emulated device] a grid of {} x {} x {} blocks", grid.x, grid.y, grid.z);
  check(shared_bytes <= most_shared, "[emulated device] {} bytes of shared memory: a block has {}",
        shared_bytes, most_shared);
  const Run guard;
  ++counts.launches;
  counts.blocks += static_cast<int64_t>(blocks);
  counts.threads += static_cast<int64_t>(blocks * threads);
  RandomSequence random(schedule, 0xde7, launches++);
  gridDim = grid;
  blockDim = size;
  running.emplace();
  running->most_shared = most_shared;
  running->threads.resize(threads);
  std::vector<uint64_t> order(blocks);
  std::iota(order.begin(), order.end(), uint64_t{0});
  random.shuffle(order);
  for (const uint64_t number : order) {
    blockIdx = {static_cast<unsigned>(number % grid.x), static_cast<unsigned>(number / grid.x % grid.y),
                static_cast<unsigned>(number / grid.x / grid.y)};
    Block& b = *running;
    b.arrays.clear();
    b.dynamic.assign(shared_bytes, std::byte{unwritten});
    b.shared_bytes = shared_bytes;
    b.at_operation.assign((threads + 31) / 32, 0);
    b.at_barrier = 0;
    for (uint64_t i = 0; i < threads; ++i)
      b.threads[i].renew({static_cast<unsigned>(i % size.x), static_cast<unsigned>(i / size.x % size.y),
                          static_cast<unsigned>(i / size.x / size.y)});
    run_block(thread, random);
    counts.shared_bytes = std::max(counts.shared_bytes, running->shared_bytes);
  }
}

void* shared_array(size_t bytes, const void* place) {
  Block& b = block();
  const auto [array, is_new] = b.arrays.try_emplace(place);
  if (is_new) {
    array->second.assign(bytes, std::byte{unwritten});
    b.shared_bytes += bytes;
    check(b.shared_bytes <= b.most_shared, "[emulated device] {} bytes of shared memory: a block has {}",
          b.shared_bytes, b.most_shared);
  }
  check(array->second.size() == bytes, "[emulated device] a shared array of {} and of {} bytes",
        array->second.size(), bytes);
  return array->second.data();
}

void* dynamic_shared() { return block().dynamic.data(); }

void sync_threads(const Site& site) { sync_threads_count(false, site); }

int sync_threads_count(bool said, const Site& site) {
  Thread& thread = current();
  thread.site = site;
  thread.said = said;
  wait_here(thread, Thread::Wait::block);
  return thread.heard;
}

int lane_of_thread() { return static_cast<int>(block().current % 32); }

void together(unsigned mask, void* brought, Finish finish, const char* what, const Site& site) {
  Thread& thread = current();
  if ((mask >> lane_of_thread() & 1U) == 0)
    fail_at(site, "a lane takes part in an operation whose mask leaves it out");
  thread.site = site;
  thread.what = what;
  thread.mask = mask;
  thread.brought = brought;
  thread.finish = finish;
  wait_here(thread, Thread::Wait::warp);
}

void fail_at(const Site& site, const char* what) { fail("[emulated device] {}: {}", place_of(site), what); }

void begin_copy(void* target, const void* source, size_t bytes, const Site& site) {
  const auto aligned = [bytes](const void* p) { return reinterpret_cast<uintptr_t>(p) % bytes == 0; };
  check(bytes == 4 || bytes == 8 || bytes == 16,
        "[emulated device] {}: a copy of {} bytes: expected 4, 8 or 16", place_of(site), bytes);
  if (!aligned(target) || !aligned(source))
    fail_at(site, "a copy to shared memory from or to an address that is no multiple of its size");
  std::memset(target, unwritten, bytes);
  counts.copied_bytes += static_cast<int64_t>(bytes);
  current().begun.push_back({target, source, bytes, site});
}

void end_group() {
  Thread& thread = current();
  thread.groups.push_back(std::move(thread.begun));
  thread.begun.clear();
}

void wait_for_groups(int most) {
  Thread& thread = current();
  while (thread.groups.size() > static_cast<size_t>(most)) {
    land(thread.groups.front());
    thread.groups.erase(thread.groups.begin());
  }
}

void Queue::run(size_t until) {
  while (run_ < until) {
    const std::function<void()> work = std::move(work_.front());
    work_.pop_front();
    ++run_;
    try {
      work();
    } catch (...) {
      run_ += work_.size();
      work_.clear();
      throw;
    }
  }
}

}  // namespace gradus::emulator
