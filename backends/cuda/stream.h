// The order in which kernels run, as the host's side of the backend knows it.
#pragma once

#ifndef GRADUS_EMULATED_DEVICE
#include <cuda_runtime_api.h>
#endif

namespace gradus::cuda {

// Kernels and copies that are given to one stream run one after the other.
struct Stream {
#ifndef GRADUS_EMULATED_DEVICE
  cudaStream_t handle = nullptr;
#endif
};

}  // namespace gradus::cuda
