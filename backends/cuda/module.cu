// The CUDA backend as a module that programs load.
#include "backends/cuda/backend.h"
#include "core/backend_module.h"

GRADUS_BACKEND_MODULE(gradus::cuda::CudaBackend)
