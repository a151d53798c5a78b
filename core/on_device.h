// Marks functions that a GPU's compiler is to make for the device as well.
#pragma once

#ifdef __CUDACC__
#define GRADUS_ON_DEVICE __host__ __device__
#else
#define GRADUS_ON_DEVICE
#endif
