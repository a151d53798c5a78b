// Ladders of kernels: each rung solves the same problem, from the plainest kernel to the one that the backend has (docs/kernels/).
// Written as backends/cuda is, for nvcc and the emulated device.
#pragma once

#include <string_view>
#include <vector>

#include "backends/cuda/dispatch.h"
#include "tests/bench/kernels/problems.h"

namespace gradus::ladder {

// Bytes that a rung moves, by arithmetic.
struct Traffic {
  double asked = 0;  // what its threads load and store of global memory, all of them together
  double least = 0;  // what each launch reads and writes, once: where caches serve all that is read again
};

template <typename Problem>
struct Rung {
  std::string_view name;
  void (*run)(const cuda::Stream& stream, const Problem& problem);
  Traffic (*traffic)(const Problem& problem);
};

template <typename Problem>
using Ladder = std::vector<Rung<Problem>>;

Ladder<LayerNormProblem> layer_norm_ladder();
Ladder<CrossEntropyProblem> cross_entropy_ladder();
Ladder<AttentionProblem> attention_ladder();

// Calls f with a value of the C++ type: of float32 and bfloat16, which are enough to see what the size of a number does.
template <typename F>
void dispatch_number(DType type, F&& f) {
  if (type == DType::bfloat16) return f(bfloat16());
  check(type == DType::float32, "[ladder] no rungs for {}: expected float32 or bfloat16", name_of(type));
  f(0.0F);
}

// How rungs reach global memory, so that the emulated device counts the bytes; `count` numbers are those of a Pack.
__device__ __forceinline__ void count_bytes([[maybe_unused]] size_t bytes) {
#ifdef GRADUS_EMULATED_DEVICE
  emulator::counts.global_bytes += static_cast<int64_t>(bytes);
#endif
}
template <int count, typename T>
__device__ __forceinline__ cuda::Pack<float, count> get(const T* from) {
  count_bytes(count * sizeof(T));
  return cuda::load<count>(from);
}
template <typename T>
__device__ __forceinline__ float get(const T* from) {
  return get<1>(from).values[0];
}
template <int count, typename T>
__device__ __forceinline__ void put(T* to, const cuda::Pack<float, count>& values) {
  count_bytes(count * sizeof(T));
  cuda::store<false>(to, values);
}
template <typename T>
__device__ __forceinline__ void put(T* to, float value) {
  put<1>(to, cuda::Pack<float, 1>{{value}});
}

}  // namespace gradus::ladder
