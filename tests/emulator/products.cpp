// backends/cuda/products.cu for the emulated device.
#include "tests/emulator/device.h"
// The order matters: the kernels are written in what the line above declares, and the library is the one below.
#include "tests/emulator/cublas_lt.h"
//
#include "backends/cuda/products.cu"
