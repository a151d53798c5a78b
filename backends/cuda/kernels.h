// Every kernel of core/kernels.h as a function that puts it into a stream, one family a source.
//
// Some take memory from the tensors' backend for what lies between two of their launches, and give it back at once, while the launches are
// still to run: the backend hands out memory in the stream's order.
#pragma once

#include "backends/cuda/stream.h"
#include "core/kernels.h"

namespace gradus::cuda {

#define GRADUS_DECLARE_CUDA_KERNEL(function, Arguments) \
  void function(const Stream& stream, const Arguments& args);
GRADUS_KERNELS(GRADUS_DECLARE_CUDA_KERNEL)

}  // namespace gradus::cuda
