// backends/cuda/crf.cu for the emulated device.
#include "tests/emulator/device.h"
// The order matters: the kernels are written in what the line above declares.
#include "backends/cuda/crf.cu"
