// What kernels that look at packed sequences share.
#pragma once

#include "backends/cuda/device.h"
#include "core/kernels.h"

namespace gradus::cuda {

// Where the sequences lie, as only the device knows it.
struct Offsets {
  const int32_t* rows;
  int64_t count;  // of sequences

  explicit Offsets(const Packing& packing) : rows(packing.offsets.data<int32_t>()), count(packing.count()) {}

  __device__ int32_t begin(int64_t b) const { return rows[b]; }
  __device__ int32_t end(int64_t b) const { return rows[b + 1]; }
  __device__ int64_t used() const { return rows[count]; }  // the rows after them are of no sequence
};

// Zeros for the rows of x [rows, width] that are of no sequence; each thread of the grid writes its share.
template <typename T>
__device__ void clear_rest(const Offsets& offsets, T* x, int64_t rows, int64_t width) {
  for (int64_t i = offsets.used() * width + global_thread(); i < rows * width; i += global_threads())
    x[i] = static_cast<T>(0.0F);
}

}  // namespace gradus::cuda
