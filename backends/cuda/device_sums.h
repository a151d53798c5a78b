// Sums over processes, each with a device of its own, by NCCL. The library is opened when it is first wanted.
#pragma once

#include <memory>
#include <string>

#include "backends/cuda/stream.h"
#include "core/communicator.h"

namespace gradus::cuda {

// For tensors that the stream's kernels write; it lives as long. `device`: the id of this process's. Called by all processes. Throws Error where
// NCCL is missing, or was when this was built, where two processes compute on one device, and when the devices can't reach each other.
std::unique_ptr<DeviceSums> join_by_nccl(const Stream& stream, const std::string& device,
                                         Communicator& processes);

}  // namespace gradus::cuda
