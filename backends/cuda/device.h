// What kernels are written in, and how they are launched. Two compilers read them: nvcc, and the host's, with the emulated device of
// tests/emulator/device.h included before this file (docs/DECISIONS.md).
//
// Kernels keep to this: an array that the threads of a block share is GRADUS_SHARED or GRADUS_DYNAMIC_SHARED; a launch is launch(); sums of floats
// have a fixed order, so no atomicAdd of them; every index is 64 bits wide where a tensor may have more than 2^31 elements.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <type_traits>

#include "backends/cuda/stream.h"
#include "core/dtype.h"

#ifdef GRADUS_EMULATED_DEVICE

// An array of the block's, at a multiple of 16 bytes, not cleared.
#define GRADUS_SHARED(Type, name, count) \
  static const char name##_place = 0;    \
  Type* const name = static_cast<Type*>(gradus::emulator::shared_array((count) * sizeof(Type), &name##_place))
// The one whose size the launch says.
#define GRADUS_DYNAMIC_SHARED(Type, name) \
  Type* const name = static_cast<Type*>(gradus::emulator::dynamic_shared())
#define GRADUS_UNROLL
#define GRADUS_ONE_BY_ONE
// The last parameter, and argument, of a function that all threads of a warp or block have to call together: where it is called.
#define GRADUS_CALLED_AT , [[maybe_unused]] std::source_location called_at = std::source_location::current()
#define GRADUS_FROM_THERE , called_at
#define GRADUS_BARRIER __syncthreads(called_at)  // in such a function

#else

#include <cuda_runtime.h>

#define GRADUS_SHARED(Type, name, count) __shared__ __align__(16) Type name[count]
#define GRADUS_DYNAMIC_SHARED(Type, name)                                \
  extern __shared__ __align__(16) unsigned char gradus_dynamic_shared[]; \
  Type* const name = reinterpret_cast<Type*>(gradus_dynamic_shared)
#define GRADUS_UNROLL _Pragma("unroll")
#define GRADUS_ONE_BY_ONE _Pragma("unroll 1")  // a loop that would take too many registers at once
#define GRADUS_CALLED_AT
#define GRADUS_FROM_THERE
#define GRADUS_BARRIER __syncthreads()

#endif

namespace gradus::cuda {

struct Grid {
  dim3 blocks, threads;
  size_t shared_bytes = 0;  // of GRADUS_DYNAMIC_SHARED
};

// Loops over elements give a thread several where there would be more blocks than this: a few waves on the largest devices, and
// on the emulated one so few that the loops go round in tests.
#ifdef GRADUS_EMULATED_DEVICE
constexpr int64_t most_blocks = 3;
#else
constexpr int64_t most_blocks = 2048;

inline void check_status(cudaError_t status, const char* what) {
  check(status == cudaSuccess, "[CUDA] {}: {}", what, cudaGetErrorString(status));
}
#endif

#ifndef GRADUS_EMULATED_DEVICE
// Lets a kernel have so much dynamic shared memory beside its arrays. What is more than 48 KiB in all has to be asked for, once for the
// most that it takes: a launch that was recorded keeps what it needs.
inline void allow_shared(const Stream& stream, const void* kernel, size_t dynamic) {
  constexpr size_t granted = size_t{48} << 10;
  struct Shared {
    size_t arrays, allowed;
  };
  static std::map<const void*, Shared> known;
  auto found = known.find(kernel);
  if (found == known.end()) {
    cudaFuncAttributes attributes{};
    check_status(cudaFuncGetAttributes(&attributes, kernel), "a kernel's attributes");
    const size_t arrays = attributes.sharedSizeBytes;
    found = known.emplace(kernel, Shared{arrays, granted - std::min(arrays, granted)}).first;
  }
  Shared& shared = found->second;
  check(shared.arrays + dynamic <= stream.shared_limit,
        "[CUDA] a kernel takes {} bytes of shared memory: a block of this device has {}",
        shared.arrays + dynamic, stream.shared_limit);
  if (dynamic <= shared.allowed) return;
  check_status(
      cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(dynamic)),
      "the kernel's shared memory");
  shared.allowed = dynamic;
}
#endif

// Has a kernel run after all that the stream was given before. Throws Error when it can't be launched.
template <typename... Parameters>
void launch(const Stream& stream, const Grid& grid, void (*kernel)(Parameters...),
            std::type_identity_t<Parameters>... arguments) {
#ifdef GRADUS_EMULATED_DEVICE
  emulator::enqueue(stream.queue, [=, limit = stream.shared_limit] {
    emulator::run(
        grid.blocks, grid.threads, grid.shared_bytes, [&] { kernel(arguments...); }, limit);
  });
#else
  if (grid.shared_bytes > 0) allow_shared(stream, reinterpret_cast<const void*>(kernel), grid.shared_bytes);
  void* values[] = {&arguments..., nullptr};  // there may be none
  check_status(cudaLaunchKernel(kernel, grid.blocks, grid.threads, values, grid.shared_bytes, stream.handle),
               "the launch of a kernel");
#endif
}

// Sets bytes to zero, in the stream's order.
inline void clear(const Stream& stream, void* data, size_t bytes) {
  if (bytes == 0) return;
#ifdef GRADUS_EMULATED_DEVICE
  emulator::enqueue(stream.queue, [=] { std::memset(data, 0, bytes); });
#else
  check_status(cudaMemsetAsync(data, 0, bytes, stream.handle), "setting memory to zero");
#endif
}

// The number of the thread among all in the first dimension.
__device__ __forceinline__ int64_t global_thread() { return int64_t{blockIdx.x} * blockDim.x + threadIdx.x; }
__device__ __forceinline__ int64_t global_threads() { return int64_t{gridDim.x} * blockDim.x; }

// 1 / sqrt(x), to two units in the last place.
__device__ __forceinline__ float one_over_root(float x) {
#ifdef GRADUS_EMULATED_DEVICE
  return 1 / std::sqrt(x);
#else
  return rsqrtf(x);
#endif
}

constexpr unsigned whole_warp = 0xffffffffU;

// The sum over a warp, in every lane; its order is that of a tree, the same each time.
template <typename T>
__device__ __forceinline__ T warp_sum(T value GRADUS_CALLED_AT) {
  for (int bits = 16; bits > 0; bits /= 2)
    value += __shfl_xor_sync(whole_warp, value, bits, 32 GRADUS_FROM_THERE);
  return value;
}

// The largest value of a warp, in every lane.
__device__ __forceinline__ float warp_max(float value GRADUS_CALLED_AT) {
  for (int bits = 16; bits > 0; bits /= 2)
    value = std::fmax(value, __shfl_xor_sync(whole_warp, value, bits, 32 GRADUS_FROM_THERE));
  return value;
}

// The sum over a block of at most 1024 threads, whole warps, in every thread. To be called by all of them; `scratch` is shared, of 32.
template <typename T>
__device__ __forceinline__ T block_sum(T value, T* scratch GRADUS_CALLED_AT) {
  const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32, warps = blockDim.x / 32;
  value = warp_sum(value GRADUS_FROM_THERE);
  GRADUS_BARRIER;  // scratch may still be read from the sum before
  if (lane == 0) scratch[warp] = value;
  GRADUS_BARRIER;
  return warp_sum(lane < warps ? scratch[lane] : T {} GRADUS_FROM_THERE);
}

// The largest over a block of whole warps, in every thread; NaN where all are that. To be called by all of them; `scratch` is shared, of 32,
// and between two calls with the same one lies a barrier.
__device__ __forceinline__ float block_max(float value, float* scratch GRADUS_CALLED_AT) {
  value = warp_max(value GRADUS_FROM_THERE);
  if (threadIdx.x % 32 == 0) scratch[threadIdx.x / 32] = value;
  GRADUS_BARRIER;
  float most = scratch[0];
  for (unsigned warp = 1; warp < blockDim.x / 32; ++warp) most = std::fmax(most, scratch[warp]);
  return most;
}

// Numbers that are loaded and stored at once.
template <typename T, int count>
struct alignas(16) Pack {
  T values[count];
};

__device__ __forceinline__ float widen(float value) { return value; }
__device__ __forceinline__ float widen(bfloat16 value) { return static_cast<float>(value); }
__device__ __forceinline__ float widen(float16 value) { return static_cast<float>(value); }

template <int count, typename T>
__device__ __forceinline__ Pack<float, count> load(const T* from) {
  Pack<float, count> wide;
  if constexpr (count == 1) {
    wide.values[0] = widen(*from);
  } else {
    const auto pack = *reinterpret_cast<const Pack<T, count>*>(from);
    GRADUS_UNROLL
    for (int i = 0; i < count; ++i) wide.values[i] = widen(pack.values[i]);
  }
  return wide;
}

// to = values, or to += values.
template <bool accumulate, int count, typename T>
__device__ __forceinline__ void store(T* to, const Pack<float, count>& values) {
  Pack<T, count> pack;
  if constexpr (count > 1) {
    if constexpr (accumulate) pack = *reinterpret_cast<const Pack<T, count>*>(to);
  } else if constexpr (accumulate) {
    pack.values[0] = *to;
  }
  GRADUS_UNROLL
  for (int i = 0; i < count; ++i)
    pack.values[i] = static_cast<T>(accumulate ? widen(pack.values[i]) + values.values[i] : values.values[i]);
  if constexpr (count > 1) *reinterpret_cast<Pack<T, count>*>(to) = pack;
  else *to = pack.values[0];
}

}  // namespace gradus::cuda
