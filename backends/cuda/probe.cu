// What the backend needs of nvcc and its libraries: C++20 and CUDA 13, cuBLASLt, fmt. Compiled when the build is set up.
#include <cublasLt.h>
#include <cuda_runtime.h>
#include <fmt/core.h>

#include <bit>

#if CUDART_VERSION < 13000
#error "CUDA 13 or newer is needed"
#endif

__global__ void probe(float* x) { x[threadIdx.x] = std::bit_cast<float>(threadIdx.x); }

extern "C" void gradus_probe() {
  void* numbers = nullptr;
  cudaMalloc(&numbers, 128);
  void* arguments[] = {&numbers};
  cudaLaunchKernel(probe, dim3(1), dim3(32), arguments, 0, nullptr);
  fmt::print("{}\n", cublasLtGetVersion());
}
