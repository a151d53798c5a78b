// The emulated device itself: what it lets kernels do, and what it catches. The tests of all operators run on it as well
// (tests/ops, in this program).
#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <set>

#include "tests/emulator/device.h"
// What kernels are written in comes first.
#include "backends/cuda/device.h"
#include "tests/emulator/emulated_backend.h"
#include "tests/files.h"
#include "tests/op_run.h"

using namespace gradus;
using emulator::set_schedule;

namespace {

const bool chosen = [] {
  test_on([] { return std::vector<Backend*>{&emulated_backend()}; });
  return true;
}();

// Adds up 64 numbers in shared memory. Without the barriers threads read what is not there yet.
__global__ void sum_64(const float* x, float* y, bool with_barriers) {
  GRADUS_SHARED(float, sums, 64);
  sums[threadIdx.x] = x[blockIdx.x * 64 + threadIdx.x];
  for (unsigned half = 32; half > 0; half /= 2) {
    if (with_barriers) __syncthreads();
    if (threadIdx.x < half) sums[threadIdx.x] += sums[threadIdx.x + half];
  }
  if (threadIdx.x == 0) y[blockIdx.x] = sums[0];
}

std::vector<float> sums_under(uint64_t schedule, bool with_barriers) {
  std::vector<float> x(256), y(4, -1.0F);
  for (size_t i = 0; i < x.size(); ++i) x[i] = 1.0F / static_cast<float>(i + 1);
  set_schedule(schedule);
  cuda::launch({}, {dim3{4}, dim3{64}}, sum_64, x.data(), y.data(), with_barriers);
  return y;
}

// What a kernel of one block throws.
template <typename Kernel>
std::string error_of(unsigned threads, Kernel kernel) {
  try {
    emulator::run({1}, {threads}, 1024, kernel);
    return "";
  } catch (const Error& e) {
    return e.what();
  }
}

// Forward, and backward where the operator has it.
Outcome run_on(Backend& backend, const Op& op, const OpCase& op_case, DType dtype,
               const RunOptions& options = {}) {
  const auto inputs = input_values(op_case, dtype);
  if (!op.has_gradient) return {evaluate(op_case, inputs, backend, dtype), {}};
  return run(op_case.call, op_case, inputs, backend, dtype, options);
}

// Calls check(op, case, type) for the cases of the operators, in float32 and bfloat16: float16's kernels are those of bfloat16 with
// other conversions, which the tests of all operators look at.
template <typename Check>
void for_each_run(Check&& check) {
  for (const Op& op : op_table()) {
    for (const OpCase& op_case : op.cases) {
      for (const DType dtype : dtypes_of(op, emulated_backend())) {
        if (dtype == DType::float16) continue;
        CAPTURE(op.name);
        CAPTURE(op_case.label);
        check(op, op_case, dtype);
      }
    }
  }
}

}  // namespace

TEST_CASE(
    "emulated device: with its barriers a kernel gives the same bits under every schedule, and others "
    "without") {
  const std::vector<float> sums = sums_under(1, true);
  float expected = 0;
  for (int i = 1; i <= 64; ++i) expected += 1.0F / static_cast<float>(i);
  CHECK(std::abs(sums[0] - expected) < 1e-5F);
  int different = 0;
  for (uint64_t schedule = 2; schedule < 22; ++schedule) {
    CHECK(sums_under(schedule, true) == sums);
    const std::vector<float> others = sums_under(schedule, false);
    different += others == sums ? 0 : 1;  // NaN, where a number was not there yet, is unlike itself
  }
  CHECK(different == 20);
}

TEST_CASE("emulated device: a warp may be far ahead of another one, until both wait for the block") {
  constexpr int blocks = 40;
  std::vector<int> too_early(blocks);
  set_schedule(1);
  emulator::run({blocks}, {64}, 0, [&] {
    GRADUS_SHARED(int, written, 64);  // -1 until then
    const auto work = [] {
      for (int i = 0; i < 30; ++i) __syncwarp();
    };
    work();
    written[threadIdx.x] = 1;
    work();
    if (written[threadIdx.x ^ 32U] != 1) too_early[blockIdx.x] = 1;
    __syncthreads();
    CHECK(written[threadIdx.x ^ 32U] == 1);
  });
  const auto found = std::ranges::count(too_early, 1);
  CHECK(found > blocks / 4);
  CHECK(found < blocks);
}

TEST_CASE("emulated device: every thread knows its place, and shared memory is the block's own") {
  std::set<std::vector<unsigned>> places;
  emulator::run({2, 3, 2}, {4, 2, 3}, 8, [&] {
    auto* const seen = static_cast<int*>(emulator::dynamic_shared());
    const bool first = threadIdx.x + threadIdx.y + threadIdx.z == 0;
    if (first) seen[0] = 0;
    __syncthreads();
    atomicAdd(seen, 1);
    __syncthreads();
    CHECK(seen[0] == 24);
    places.insert({blockIdx.x, blockIdx.y, blockIdx.z, threadIdx.x, threadIdx.y, threadIdx.z});
    CHECK(gridDim.y * blockDim.z == 9);
  });
  CHECK(places.size() == 12 * 24);
}

TEST_CASE("emulated device: warps exchange values, and vote") {
  std::vector<int> from_right(64), from_left(64), crossed(64), ninth(64), sums(64);
  std::vector<unsigned> votes(64);
  emulator::run({1}, {64}, 0, [&] {
    const auto t = static_cast<int>(threadIdx.x);
    from_right[threadIdx.x] = __shfl_down_sync(0xffffffffU, t, 3);
    from_left[threadIdx.x] = __shfl_up_sync(0xffffffffU, t, 1, 8);
    crossed[threadIdx.x] = __shfl_xor_sync(0xffffffffU, t, 5);
    ninth[threadIdx.x] = __shfl_sync(0xffffffffU, t, 9);
    votes[threadIdx.x] = __ballot_sync(0xffffffffU, t % 3 == 0);
    sums[threadIdx.x] = cuda::warp_sum(t);
    // The upper half alone.
    if (t % 32 >= 16) CHECK(__shfl_sync(0xffff0000U, t, 20) == t / 32 * 32 + 20);
    CHECK((__any_sync(0xffffffffU, t == 40) == 1) == (t >= 32));
    CHECK((__all_sync(0xffffffffU, t != 40) == 1) == (t < 32));
    CHECK(__syncthreads_count(t % 2) == 32);
    CHECK(__syncthreads_or(t == 63) == 1);
    CHECK(__syncthreads_and(t != 63) == 0);
  });
  for (int t = 0; t < 64; ++t) {
    const auto i = static_cast<size_t>(t);
    CHECK(from_right[i] == (t % 32 < 29 ? t + 3 : t));
    CHECK(from_left[i] == (t % 8 > 0 ? t - 1 : t));
    CHECK(crossed[i] == (t ^ 5));
    CHECK(ninth[i] == t / 32 * 32 + 9);
    CHECK(votes[i] == (t < 32 ? 0x49249249U : 0x92492492U));
    CHECK(sums[i] == (t < 32 ? 496 : 1520));
  }
}

TEST_CASE("emulated device: sums of a block, one after the other through the same scratch") {
  for (const unsigned threads : {32U, 64U, 256U, 1024U}) {
    emulator::run({1}, {threads}, 0, [&] {
      GRADUS_SHARED(int, scratch, 32);
      const auto t = static_cast<int>(threadIdx.x), n = static_cast<int>(threads);
      CHECK(cuda::block_sum(t, scratch) == n * (n - 1) / 2);
      CHECK(cuda::block_sum(1, scratch) == n);
    });
  }
}

TEST_CASE("emulated device: the largest of a block, whatever lies behind its warps' numbers") {
  for (const unsigned threads : {32U, 64U, 256U, 1024U}) {
    emulator::run({1}, {threads}, 0, [&] {
      GRADUS_SHARED(float, scratch, 33);
      for (unsigned i = threadIdx.x; i < 33; i += threads) scratch[i] = 1e30F;
      __syncthreads();
      const auto last = static_cast<float>(threads - 1);
      CHECK(cuda::block_max(static_cast<float>(threadIdx.x), scratch) == last);
    });
  }
}

TEST_CASE("emulated device: what a GPU leaves undefined is an error with its place") {
  const auto says = [](const std::string& error, const std::string& text) {
    CHECK_MESSAGE(error.find(text) != std::string::npos, error);
    CHECK_MESSAGE(error.starts_with("[emulated device] "), error);
  };
  says(error_of(64,
                [] {
                  if (threadIdx.x < 40) __syncthreads();
                }),
       "24 of the block's 64 threads have ended, 40 wait in the barrier at emulator_test.cpp:");
  says(error_of(64,
                [] {
                  if (threadIdx.x < 32) __syncthreads();
                  else {
                    __syncthreads();
                  }
                }),
       "threads of a block wait at different barriers: emulator_test.cpp:");
  says(error_of(32,
                [] {
                  if (threadIdx.x != 7) __syncwarp();
                }),
       "31 wait in a vote at emulator_test.cpp:");
  says(error_of(20, [] { __syncwarp(); }),
       "a vote of lanes that the block of 20 threads has not: mask 0xffffffff");
  says(error_of(32,
                [] {
                  if (threadIdx.x < 16) __shfl_sync(0xffffffffU, 1, 0);
                  else {
                    __syncwarp();
                  }
                }),
       "lanes of a warp meet in different operations: ");
  says(error_of(32,
                [] {
                  if (threadIdx.x < 8) __shfl_xor_sync(0xffU, 1, 8);
                }),
       "a shuffle takes the value of a lane that takes no part");
  says(error_of(32, [] { __syncwarp(0xfU); }), "a lane takes part in an operation whose mask leaves it out");
  says(error_of(32,
                [] {
                  static float sum = 0;
                  atomicAdd(&sum, 1.0F);
                }),
       "a sum of floats by atomicAdd depends on the order of threads");
  says(error_of(1025, [] {}), "a block of 1025 x 1 x 1 threads");
  // The device is as it was afterwards.
  CHECK(error_of(64, [] { __syncthreads(); }) == "");
}

TEST_CASE("emulated device: copies to shared memory land when they are waited for") {
  std::vector<float> source(64);
  for (size_t i = 0; i < source.size(); ++i) source[i] = static_cast<float>(i);
  const auto copied = [&](int waits_for) {
    return error_of(16, [&, waits_for] {
      auto* const target = static_cast<float*>(emulator::dynamic_shared());
      for (unsigned group = 0; group < 2; ++group) {
        const unsigned place = group * 64 + threadIdx.x * 4;
        emulator::begin_copy(target + place, source.data() + threadIdx.x * 4, 16,
                             std::source_location::current());
        emulator::end_group();
      }
      emulator::wait_for_groups(waits_for);
      __syncthreads();
      for (int i = 0; i < 64; ++i) {
        CHECK(target[i] == static_cast<float>(i));
        CHECK(std::isnan(target[64 + i]) == (waits_for == 1));
      }
    });
  };
  CHECK(copied(0) == "");
  CHECK(copied(1).find("a thread ends without waiting for its copy to shared memory") != std::string::npos);
  CHECK(error_of(1, [&] {
          emulator::begin_copy(static_cast<float*>(emulator::dynamic_shared()) + 1, source.data(), 16,
                               std::source_location::current());
        }).find("no multiple of its size") != std::string::npos);
}

TEST_CASE("the kernels that the device has give the same bits under 20 schedules") {
  for_each_run([](const Op& op, const OpCase& op_case, DType dtype) {
    const auto outcome = [&](uint64_t schedule) {
      set_schedule(schedule);
      const Outcome o = run_on(emulated_backend(), op, op_case, dtype, {.gradient_before = 0.5});
      std::vector<double> numbers;
      for (int64_t i = 0; i < o.y.size(); ++i) numbers.push_back(o.y[i]);
      for (const auto& gradient : o.gradients)
        for (int64_t i = 0; i < gradient.size(); ++i) numbers.push_back(gradient[i]);
      return numbers;
    };
    int64_t elements = 0;
    for (const Input& input : op_case.inputs) elements += input.shape.elements();
    // Larger cases are there for how many blocks they have.
    const uint64_t schedules = is_sanitized ? 2 : elements < 2000 ? 20 : elements < 10000 ? 4 : 2;
    const std::vector<double> first = outcome(1);
    for (uint64_t schedule = 2; schedule <= schedules; ++schedule) CHECK(outcome(schedule) == first);
  });
}

TEST_CASE("emulated device: a helper's barrier is the place where the helper is called") {
  const std::string error = error_of(64, [] {
    GRADUS_SHARED(int, scratch, 32);
    if (threadIdx.x % 32 < 16) cuda::block_sum(1, scratch);
    else {
      cuda::block_sum(2, scratch);
    }
  });
  CHECK_MESSAGE(error.find("lanes of a warp meet in different operations: a shuffle at emulator_test.cpp:") !=
                    std::string::npos,
                error);
}
