// The order in which kernels run, as the host's side of the backend knows it.
#pragma once

#include <cstddef>

#ifndef GRADUS_EMULATED_DEVICE
#include <cuda_runtime_api.h>
#endif

#ifdef GRADUS_EMULATED_DEVICE
namespace gradus::emulator {
class Queue;
}
#endif

namespace gradus::cuda {

class Products;

// Kernels and copies that are given to one stream run one after the other.
struct Stream {
#ifdef GRADUS_EMULATED_DEVICE
  emulator::Queue* queue = nullptr;  // without one all runs at once
#else
  cudaStream_t handle = nullptr;
#endif
  Products* products = nullptr;  // for kernels that multiply matrices (products.h)
  // Bytes of shared memory that a block may have on the stream's device: of those of sm_80 and later, the least.
  size_t shared_limit = size_t{99} << 10;
};

// As libraries take it.
#ifdef GRADUS_EMULATED_DEVICE
inline emulator::Queue* handle_of(const Stream& stream) { return stream.queue; }
#else
inline cudaStream_t handle_of(const Stream& stream) { return stream.handle; }
#endif

}  // namespace gradus::cuda
