// Sums over what many blocks have: in parts first, which a second launch adds up in their order.
#pragma once

#include "backends/cuda/dispatch.h"

namespace gradus::cuda {

// Element i of the sum of `count` arrays of `size` that lie one behind the other, in their order.
__device__ __forceinline__ float sum_parts(const float* parts, int64_t count, int64_t size, int64_t i) {
  float sum = 0;
  for (int64_t part = 0; part < count; ++part) sum += parts[part * size + i];
  return sum;
}

// All elements of that sum, times *factor unless that is null.
// Reads 4 of an element and a part; occupancy 100 % on sm_80, 100 % on sm_90 for <256>.
template <int threads>
__global__ void __launch_bounds__(threads)
    add_parts(const float* parts, int64_t count, const float* factor, Target<float> to, int64_t size) {
  for (int64_t i = global_thread(); i < size; i += global_threads()) {
    const float sum = sum_parts(parts, count, size, i);
    to.put(i, factor == nullptr ? sum : *factor * sum);
  }
}

template <int threads>
void add_up_parts(const Stream& stream, const Tensor& parts, int64_t count, const float* factor,
                  const Grad& to) {
  const int64_t size = to.tensor.elements();
  launch(stream, {blocks_for(size, threads, most_blocks), dim3{threads}}, add_parts<threads>,
         parts.data<float>(), count, factor, Target<float>(to), size);
}

// y = the sum of x, by one block.
// Reads 4 of an element; occupancy 100 % on sm_80, 100 % on sm_90 for <256, float>.
template <int threads, typename T>
__global__ void __launch_bounds__(threads) add_up(const T* x, int64_t count, float* y) {
  GRADUS_SHARED(T, scratch, 32);
  T sum = 0;
  for (int64_t i = threadIdx.x; i < count; i += threads) sum += x[i];
  sum = block_sum(sum, scratch);
  if (threadIdx.x == 0) *y = static_cast<float>(sum);
}

}  // namespace gradus::cuda
