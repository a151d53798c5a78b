// The ladders of kernels on the emulated device: every rung gives the naive result, and moves the bytes that its arithmetic says.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "tests/emulator/device.h"
// What kernels are written in comes first.
#include "tests/bench/kernels/ladder.h"
#include "tests/emulator/emulated_backend.h"
#include "tests/matrix.h"
#include "tests/naive_backend.h"

using namespace gradus;
using namespace gradus::ladder;
using reference::Matrix;

namespace {

// Results lie within one part in so many of the naive ones, or of 1.
struct Parts {
  double float32 = 1e5, bfloat16 = 50;
};

void check_close(const Tensor& tensor, const Tensor& expected_tensor, const Parts& parts) {
  const Matrix actual = reference::load(tensor), expected = reference::load(expected_tensor);
  REQUIRE(actual.size() == expected.size());
  double worst = 0;
  for (int64_t i = 0; i < actual.size(); ++i) {
    const double off = std::abs(actual[i] - expected[i]) / std::max(1.0, std::abs(expected[i]));
    worst = off <= worst ? worst : off;  // NaN stays
  }
  CHECK(worst <= 1 / (tensor.dtype() == DType::float32 ? parts.float32 : parts.bfloat16));
}

// Runs each rung on a problem of its own, and holds it to what the naive backend makes of the same.
template <typename Problem, typename Make>
void climb(const Ladder<Problem>& ladder, Make&& make, const Parts& parts = {}) {
  const Problem naive = make(naive_backend());
  solve(naive_backend(), naive);
  std::set<std::string_view> names;
  for (const Rung<Problem>& rung : ladder) {
    CAPTURE(rung.name);
    CHECK(names.insert(rung.name).second);
    const Problem problem = make(emulated_backend());
    emulator::counts = {};
    rung.run({}, problem);
    const emulator::Counts counts = emulator::counts;
    const auto results = results_of(problem), expected = results_of(naive);
    for (size_t i = 0; i < results.size(); ++i) {
      CAPTURE(i);
      check_close(results[i], expected[i], parts);
    }
    const Traffic traffic = rung.traffic(problem);
    CHECK(traffic.least <= traffic.asked);
    // The backend's kernels say nothing of their loads.
    if (counts.global_bytes > 0) CHECK(static_cast<double>(counts.global_bytes) == traffic.asked);
    else CHECK(rung.name.find("the backend's") != std::string_view::npos);
  }
}

}  // namespace

TEST_CASE("ladders: layer norm") {
  for (const DType dtype : {DType::float32, DType::bfloat16}) {
    for (const int64_t columns : {256, 768}) {
      CAPTURE(name_of(dtype));
      CAPTURE(columns);
      // The first rungs take the statistics from the sum as it lies in memory, which is rounded.
      const Parts parts{.float32 = dtype == DType::float32 ? 1e5 : 1e3};
      climb(
          layer_norm_ladder(),
          [&](Backend& backend) { return layer_norm_problem(backend, dtype, 11, columns); }, parts);
    }
  }
}

TEST_CASE("ladders: softmax cross-entropy, the gradient beside the logits and in their place") {
  for (const DType dtype : {DType::float32, DType::bfloat16}) {
    for (const bool in_place : {false, true}) {
      for (const int64_t columns : {24, 2104}) {
        CAPTURE(name_of(dtype));
        CAPTURE(columns);
        climb(cross_entropy_ladder(), [&](Backend& backend) {
          CrossEntropyProblem problem = cross_entropy_problem(backend, dtype, 9, columns);
          if (in_place) put_in_place(problem);
          return problem;
        });
      }
    }
  }
}

TEST_CASE("ladders: attention") {
  for (const int64_t size : {32, 64})
    climb(attention_ladder(), [&](Backend& backend) {
      return attention_problem(backend, DType::bfloat16, {37, 1, 70}, 2, size);
    });
}

TEST_CASE("ladders: attention on tensor cores copies the bytes that its arithmetic says") {
  for (const std::vector<int64_t>& lengths : {std::vector<int64_t>{20, 32}, {64, 33}, {130, 65, 9}}) {
    const AttentionProblem problem = attention_problem(emulated_backend(), DType::bfloat16, lengths, 2, 64);
    const auto rung = attention_ladder().back();
    emulator::counts = {};
    rung.run({}, problem);
    const auto written = static_cast<double>(problem.forward.context.bytes());
    CHECK(static_cast<double>(emulator::counts.copied_bytes) + written == rung.traffic(problem).asked);
  }
}

TEST_CASE("ladders: rungs say which problems are none of theirs") {
  Backend& backend = emulated_backend();
  const auto says = [](const auto& rung, const auto& problem, const char* error) {
    CHECK_THROWS_WITH_AS(rung.run({}, problem), error, Error);
  };
  says(layer_norm_ladder()[3], layer_norm_problem(backend, DType::float32, 2, 300),
       "[ladder] rows of 300 in registers: expected a multiple of 256, at most 1024");
  says(layer_norm_ladder()[0], layer_norm_problem(backend, DType::float16, 2, 256),
       "[ladder] no rungs for float16: expected float32 or bfloat16");
  says(cross_entropy_ladder()[3], cross_entropy_problem(backend, DType::bfloat16, 2, 20),
       "[ladder] rows of 20 logits by 16 bytes: expected a multiple of 8");
  says(attention_ladder()[1], attention_problem(backend, DType::bfloat16, {3}, 1, 40),
       "[ladder] heads of 40 by warps: expected 32 or 64");
  says(attention_ladder()[3], attention_problem(backend, DType::float32, {3}, 1, 64),
       "[ladder] float32 and heads of 64 on tensor cores: expected bfloat16, and 32 or 64");
}
