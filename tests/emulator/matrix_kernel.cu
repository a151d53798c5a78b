// A kernel of a warp's instructions for matrices: run on the emulated device, and compiled by nvcc.
#include "backends/cuda/matrix.h"

namespace gradus {

constexpr int m = 16, n = 8, k = 16;

// c [16, 8] = a [16, 16] b. b lies as [16, 8], or as its transpose [8, 16]; both come by asynchronous copies.
__global__ void multiply(const bfloat16* a, const bfloat16* b, bool b_is_transposed, float* c) {
  GRADUS_SHARED(bfloat16, shared, m * k + k * n);
  const unsigned lane = threadIdx.x;
  cuda::begin_copy(shared + lane * 8, a + lane * 8);
  cuda::end_copies();
  if (lane < 16) cuda::begin_copy(shared + m * k + lane * 8, b + lane * 8);
  cuda::end_copies();
  cuda::wait_for_copies<0>();
  __syncthreads();
  uint32_t a_words[4], b_words[4];
  // The quarters of a, upper left, lower left, upper right, lower right: rows of 16.
  cuda::load_fragments<false>(a_words, shared + (lane / 8 % 2 * 8 + lane % 8) * k + lane / 16 * 8);
  const bfloat16* const b_rows = shared + m * k;
  if (b_is_transposed) cuda::load_fragments<false>(b_words, b_rows + lane % 8 * k + lane / 8 % 2 * 8);
  else cuda::load_fragments<true>(b_words, b_rows + (lane / 8 % 2 * 8 + lane % 8) * n);
  float sums[4] = {};
  cuda::multiply_fragments<bfloat16>(sums, a_words, {b_words[0], b_words[1]});
  for (int i = 0; i < 4; ++i) c[(lane / 4 + i / 2 * 8) * n + lane % 4 * 2 + i % 2] = sums[i];
}

}  // namespace gradus
