// Every kernel of core/kernels.h as a function that puts it into a stream, one family a source.
#pragma once

#include "backends/cuda/device.h"
#include "core/kernels.h"

namespace gradus::cuda {

#define GRADUS_DECLARE_CUDA_KERNEL(function, Arguments) \
  void function(const Stream& stream, const Arguments& args);
GRADUS_KERNELS(GRADUS_DECLARE_CUDA_KERNEL)

}  // namespace gradus::cuda
