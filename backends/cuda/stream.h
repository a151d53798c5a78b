// The order in which kernels run, as the host's side of the backend knows it.
#pragma once

#ifndef GRADUS_EMULATED_DEVICE
#include <cuda_runtime_api.h>
#endif

namespace gradus::cuda {

class Products;

// Kernels and copies that are given to one stream run one after the other.
struct Stream {
#ifndef GRADUS_EMULATED_DEVICE
  cudaStream_t handle = nullptr;
#endif
  Products* products = nullptr;  // for kernels that multiply matrices (products.h)
};

}  // namespace gradus::cuda
