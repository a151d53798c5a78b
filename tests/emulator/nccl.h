// NCCL for the emulated device: of its interface what backends/cuda/device_sums.cu uses, under the library's names. A group's members are
// threads of one process, or one alone. A sum is taken when all members' streams have come to it, in the order of their numbers.
// What the library's documentation asks of a call (NCCL 2.28) is an Error where it is not so.
#pragma once

#include <cstddef>

#include "tests/emulator/device.h"

#define GRADUS_NCCL

namespace gradus::emulator {
// Members that wait for the others of a sum, in all groups.
int waiting_for_sums();
// What groups say when they are asked how they are.
void fail_sums(bool fails);
}  // namespace gradus::emulator

enum ncclResult_t { ncclSuccess, ncclUnhandledCudaError, ncclInvalidArgument, ncclInProgress };
enum ncclDataType_t { ncclFloat, ncclDouble };
enum ncclRedOp_t { ncclSum, ncclProd };
struct ncclUniqueId {
  char internal[128];
};
struct ncclComm;
using ncclComm_t = ncclComm*;

const char* ncclGetErrorString(ncclResult_t result);
const char* ncclGetLastError(ncclComm_t comm);
ncclResult_t ncclGetUniqueId(ncclUniqueId* id);
ncclResult_t ncclCommInitRank(ncclComm_t* comm, int ranks, ncclUniqueId id, int rank);
ncclResult_t ncclCommDestroy(ncclComm_t comm);
ncclResult_t ncclCommGetAsyncError(ncclComm_t comm, ncclResult_t* error);
ncclResult_t ncclAllReduce(const void* send, void* receive, size_t count, ncclDataType_t type, ncclRedOp_t op,
                           ncclComm_t comm, gradus::emulator::Queue* stream);
