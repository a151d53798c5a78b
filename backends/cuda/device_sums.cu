#include "backends/cuda/device_sums.h"

#ifndef GRADUS_EMULATED_DEVICE
#include <dlfcn.h>
#ifdef GRADUS_NCCL
#include <nccl.h>
#endif
#endif

#include <algorithm>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "backends/cuda/runtime.h"

namespace gradus::cuda {

#ifndef GRADUS_NCCL

std::unique_ptr<DeviceSums> join_by_nccl(const Stream&, const std::string&, Communicator&) {
  fail(
      "[NCCL] this program was built without it: install libnccl-dev, set up a new build folder and build "
      "again");
}

#else

namespace {

// What is used of the library.
struct Library {
  decltype(&ncclGetErrorString) error_string;
  decltype(&ncclGetLastError) last_error;
  decltype(&ncclGetUniqueId) unique_id;
  decltype(&ncclCommInitRank) join;
  decltype(&ncclCommDestroy) leave;
  decltype(&ncclCommGetAsyncError) state;
  decltype(&ncclAllReduce) all_reduce;
};

#ifdef GRADUS_EMULATED_DEVICE

const Library& library() {
  static const Library mock{ncclGetErrorString, ncclGetLastError,      ncclGetUniqueId, ncclCommInitRank,
                            ncclCommDestroy,    ncclCommGetAsyncError, ncclAllReduce};
  return mock;
}

#else

// Opened, not linked: a program on one device needs none of its 200 MB.
const Library& library() {
  static const Library opened = [] {
    void* const handle = dlopen("libnccl.so.2", RTLD_NOW | RTLD_LOCAL);
    check(handle != nullptr, "[NCCL] {}: install libnccl2, or have LD_LIBRARY_PATH name its folder",
          handle == nullptr ? dlerror() : "");
    const auto function = [&]<typename Function>(Function*& found, const char* name) {
      found = reinterpret_cast<Function*>(dlsym(handle, name));
      check(found != nullptr, "[NCCL] libnccl.so.2 has no {}", name);
    };
    Library library{};
    function(library.error_string, "ncclGetErrorString");
    function(library.last_error, "ncclGetLastError");
    function(library.unique_id, "ncclGetUniqueId");
    function(library.join, "ncclCommInitRank");
    function(library.leave, "ncclCommDestroy");
    function(library.state, "ncclCommGetAsyncError");
    function(library.all_reduce, "ncclAllReduce");
    return library;
  }();
  return opened;
}

#endif

std::string text_of(ncclResult_t result) {
  return fmt::format("{} ({})", library().error_string(result), library().last_error(nullptr));
}

void check_nccl(ncclResult_t result, const char* what) {
  if (result != ncclSuccess) fail("[NCCL] {}: {}", what, text_of(result));
}

// NCCL may wait forever where two of its processes have one device.
void check_have_devices(const std::string& device, Communicator& processes) {
  std::vector<double> ids(static_cast<size_t>(processes.size()));
  constexpr int exact_bits = 52;
  const auto rank = static_cast<size_t>(processes.rank());
  ids[rank] = static_cast<double>(std::hash<std::string>()(device) >> (64 - exact_bits));
  processes.sum(ids);
  const auto same = static_cast<size_t>(std::ranges::find(ids, ids[rank]) - ids.begin());
  check(
      same == rank,
      "[NCCL] ranks {} and {} compute on one device: there may be as many processes as devices (--device_id, "
      "CUDA_VISIBLE_DEVICES)",
      same, rank);
  processes.barrier();  // the others shall hear of it before they wait for a group that never comes
}

// Sums have a stream of their own, so that they go on beside the kernels of the backward pass.
class NcclSums final : public DeviceSums {
 public:
  NcclSums(const Stream& kernels, const std::string& device, Communicator& processes)
      : kernels_(kernels), own_(open_stream()) {
    try {
      check_have_devices(device, processes);
      ncclUniqueId id{};
      if (processes.rank() == 0) check_nccl(library().unique_id(&id), "a name for the group");
      processes.broadcast(std::as_writable_bytes(std::span(&id, 1)));
      check_nccl(library().join(&group_, processes.size(), id, processes.rank()),
                 "the group of all processes");
    } catch (...) {
      close_stream(own_);
      throw;
    }
  }
  ~NcclSums() override {
    library().leave(group_);
    close_stream(own_);
  }
  NcclSums(const NcclSums&) = delete;
  NcclSums& operator=(const NcclSums&) = delete;

  void begin(const Tensor& tensor) override {
    check(tensor.dtype() == DType::float32, "[NCCL] a sum of {}: expected float32", name_of(tensor.dtype()));
    written_.record(kernels_);
    written_.make_wait(own_);
    check_nccl(library().all_reduce(tensor.raw(), tensor.raw(), static_cast<size_t>(tensor.elements()),
                                    ncclFloat, ncclSum, group_, handle_of(own_)),
               "a sum");
  }

  void end() override {
    summed_.record(own_);
    summed_.make_wait(kernels_);
  }

  std::string error() const override {
    ncclResult_t state = ncclSuccess;
    const ncclResult_t asked = library().state(group_, &state);
    if (asked != ncclSuccess) state = asked;
    return state == ncclSuccess ? "" : fmt::format("[NCCL] a sum: {}", text_of(state));
  }

 private:
  const Stream& kernels_;
  Stream own_;
  ncclComm_t group_ = nullptr;
  Event written_, summed_;
};

}  // namespace

std::unique_ptr<DeviceSums> join_by_nccl(const Stream& stream, const std::string& device,
                                         Communicator& processes) {
  return std::make_unique<NcclSums>(stream, device, processes);
}

#endif

}  // namespace gradus::cuda
