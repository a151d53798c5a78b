// Products of small matrices by a warp, on the emulated device.
#include <doctest/doctest.h>

#include <vector>

#include "tests/emulator/device.h"
// What kernels are written in comes first.
#include "tests/emulator/matrix_kernel.cu"

using namespace gradus;

TEST_CASE("emulated device: a warp multiplies matrices, with fragments as PTX lays them out") {
  alignas(16) bfloat16 a[m * k], b[k * n], b_transposed[n * k];
  for (int i = 0; i < m * k; ++i) a[i] = bfloat16(static_cast<float>(i % 23 - 11));
  for (int i = 0; i < k; ++i)
    for (int j = 0; j < n; ++j)
      b[i * n + j] = b_transposed[j * k + i] = bfloat16(static_cast<float>((i * 5 + j * 3) % 17 - 8));
  for (uint64_t schedule = 1; schedule < 6; ++schedule) {
    for (const bool transposed : {false, true}) {
      emulator::set_schedule(schedule);
      std::vector<float> c(m * n, -1);
      cuda::launch({}, {dim3{1}, dim3{32}}, multiply, a, transposed ? b_transposed : b, transposed, c.data());
      for (int row = 0; row < m; ++row) {
        for (int column = 0; column < n; ++column) {
          float sum = 0;
          for (int i = 0; i < k; ++i)
            sum += static_cast<float>(a[row * k + i]) * static_cast<float>(b[i * n + column]);
          CHECK(c[static_cast<size_t>(row * n + column)] == sum);
        }
      }
    }
  }
}

TEST_CASE("emulated device: a fragment's numbers lie where PTX says") {
  // A has a one at (3, 10), B at (10, 6): so C has it at (3, 6), which lane 4 * 3 + 3 holds first.
  emulator::run({1}, {32}, 0, [] {
    const uint32_t one = 0x3f80, lane = threadIdx.x;
    const uint32_t a[4] = {0, 0, lane == 3 * 4 + 1 ? one : 0, 0};  // g = 3, 2 t + 8 = 10
    const uint32_t b[2] = {0, lane == 6 * 4 + 1 ? one : 0};        // g = 6, 2 t + 8 = 10
    float c[4] = {0.5F, 0, 0, 0};
    cuda::multiply_fragments<bfloat16>(c, a, b);
    CHECK(c[0] == (lane == 3 * 4 + 3 ? 1.5F : 0.5F));
    CHECK(c[1] == 0);
    CHECK(c[2] == 0);
    CHECK(c[3] == 0);
  });
}

TEST_CASE("emulated device: rows of fragments lie at multiples of 16 bytes") {
  alignas(16) static bfloat16 rows[300];
  CHECK_THROWS_WITH_AS(emulator::run({1}, {32}, 0,
                                     [] {
                                       uint32_t words[4];
                                       cuda::load_fragments<false>(words, rows + 1);
                                     }),
                       doctest::Contains("a row of a matrix lies at no multiple of 16 bytes"), Error);
}
