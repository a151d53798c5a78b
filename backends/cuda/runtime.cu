// The runtime of CUDA. Addresses are reserved and backed by the driver's functions for that, which the runtime finds: nothing here is linked with
// the driver's library, so that the module loads, and says what is missing, where there is none.
#include "backends/cuda/runtime.h"

#include <cuda.h>

#include <algorithm>
#include <memory>
#include <type_traits>
#include <vector>

#include "backends/cuda/device.h"

namespace gradus::cuda {
namespace {

constexpr int least_major = 8;  // mma.m16n8k16 and cp.async

template <typename Function>
Function* driver_function(const char* name) {
  void* found = nullptr;
  cudaDriverEntryPointQueryResult result{};
  check_status(cudaGetDriverEntryPointByVersion(name, &found, 12000, cudaEnableDefault, &result), name);
  check(result == cudaDriverEntryPointSuccess && found != nullptr, "[CUDA] the driver has no {}", name);
  return reinterpret_cast<Function*>(found);
}

void check_driver(CUresult status, const char* what) {
  if (status == CUDA_SUCCESS) return;
  const char* text = nullptr;
  driver_function<decltype(cuGetErrorString)>("cuGetErrorString")(status, &text);
  fail("[CUDA] {}: {}", what, text != nullptr ? text : "unknown error");
}

std::string version_text(int version) { return fmt::format("{}.{}", version / 1000, version % 1000 / 10); }

// Reserved for the whole of the device; pieces of memory are mapped behind the addresses one after the other.
class DeviceMemory final : public AddressRange {
 public:
  explicit DeviceMemory(size_t memory) {
    check_status(cudaGetDevice(&properties_.location.id), "the current device");
    properties_.type = CU_MEM_ALLOCATION_TYPE_PINNED;
    properties_.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
    check_driver(driver_function<decltype(cuMemGetAllocationGranularity)>("cuMemGetAllocationGranularity")(
                     &granule_, &properties_, CU_MEM_ALLOC_GRANULARITY_RECOMMENDED),
                 "the size of a piece of memory");
    bytes_ = memory / granule_ * granule_;
    check_driver(
        driver_function<decltype(cuMemAddressReserve)>("cuMemAddressReserve")(&begin_, bytes_, 0, 0, 0),
        "reserving addresses");
  }
  // The backend lives until the process ends, and the driver takes back all then.
  ~DeviceMemory() override = default;
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;

  char* begin() const override { return reinterpret_cast<char*>(begin_); }
  size_t bytes() const override { return bytes_; }
  bool comes_clear() const override { return false; }
  bool is_host_memory() const override { return false; }

  void provide(size_t bytes) override {
    if (bytes <= provided_) return;
    const size_t least = (bytes - provided_ + granule_ - 1) / granule_ * granule_;
    if (least > bytes_ - provided_) fail_for_memory();
    size_t size = std::min(std::max(least, usual_piece), bytes_ - provided_);
    CUmemGenericAllocationHandle handle{};
    CUresult status = create_(&handle, size, &properties_, 0);
    if (status == CUDA_ERROR_OUT_OF_MEMORY && size > least)
      status = create_(&handle, size = least, &properties_, 0);
    if (status == CUDA_ERROR_OUT_OF_MEMORY) fail_for_memory();
    check_driver(status, "taking memory");
    const CUdeviceptr at = begin_ + provided_;
    check_driver(map_(at, size, 0, handle, 0), "mapping memory");
    provided_ += size;
    check_driver(release_(handle), "mapping memory");  // the mapping keeps it
    CUmemAccessDesc access{};
    access.location = properties_.location;
    access.flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE;
    check_driver(set_access_(at, size, &access, 1), "access to memory");
  }

 private:
  static constexpr size_t usual_piece = size_t{64} << 20;  // each takes the driver a while

  [[noreturn]] void fail_for_memory() const {
    fail("the device has {} free of {}: --max_memory makes batches smaller, --recompute keeps less of them",
         free_memory(), bytes_);
  }

  CUmemAllocationProp properties_{};
  size_t granule_ = 0, bytes_ = 0, provided_ = 0;
  CUdeviceptr begin_ = 0;
  decltype(&cuMemCreate) create_ = driver_function<decltype(cuMemCreate)>("cuMemCreate");
  decltype(&cuMemMap) map_ = driver_function<decltype(cuMemMap)>("cuMemMap");
  decltype(&cuMemRelease) release_ = driver_function<decltype(cuMemRelease)>("cuMemRelease");
  decltype(&cuMemSetAccess) set_access_ = driver_function<decltype(cuMemSetAccess)>("cuMemSetAccess");
};

}  // namespace

Device open_device(int number) {
  int driver = 0, runtime = 0, count = 0;
  check_status(cudaRuntimeGetVersion(&runtime), "the version of the runtime");
  check(
      cudaDriverGetVersion(&driver) == cudaSuccess && driver > 0,
      "[CUDA] there is no NVIDIA driver on this machine (libcuda.so.1): use --device_target CPU, or install "
      "one for CUDA {} or newer",
      runtime / 1000);
  const cudaError_t status = cudaGetDeviceCount(&count);
  check(status != cudaErrorInsufficientDriver,
        "[CUDA] the driver is for CUDA {}, this program for {}: install a newer driver", version_text(driver),
        version_text(runtime));
  check(status == cudaSuccess && count > 0,
        "[CUDA] the driver (for CUDA {}) finds no device: {}. CUDA_VISIBLE_DEVICES, where it is set, says "
        "which may be used",
        version_text(driver), cudaGetErrorString(status));
  check(number >= 0 && number < count, "[CUDA] there is no device {}: the devices are 0 to {}", number,
        count - 1);
  cudaDeviceProp found{};
  check_status(cudaGetDeviceProperties(&found, number), "the properties of the device");
  check(found.major >= least_major,
        "[CUDA] device {}, {}, has compute capability {}.{}: this takes {}.0, an A100 or newer", number,
        found.name, found.major, found.minor, least_major);
  use_device(number);
  return {found.name,           std::string(found.uuid.bytes, sizeof found.uuid.bytes),
          found.major,          found.minor,
          found.totalGlobalMem, found.sharedMemPerBlockOptin};
}

int device_count() {
  int count = 0;
  return cudaGetDeviceCount(&count) == cudaSuccess ? count : 0;
}

void use_device(int number) { check_status(cudaSetDevice(number), "choosing the device"); }

size_t free_memory() {
  size_t left = 0, total = 0;
  check_status(cudaMemGetInfo(&left, &total), "the device's memory");
  return left;
}

std::string runtime_version() {
  int version = 0;
  check_status(cudaRuntimeGetVersion(&version), "the version of the runtime");
  return version_text(version);
}

std::unique_ptr<AddressRange> device_memory(const Device& device) {
  return std::make_unique<DeviceMemory>(device.memory);
}

Stream open_stream() {
  Stream stream;
  check_status(cudaStreamCreateWithFlags(&stream.handle, cudaStreamNonBlocking), "a stream");
  return stream;
}
void close_stream(const Stream& stream) { cudaStreamDestroy(stream.handle); }
void wait_for(const Stream& stream) {
  check_status(cudaStreamSynchronize(stream.handle), "a kernel or copy");
}

PinnedMemory::PinnedMemory(size_t bytes) : bytes_(bytes) {
  void* data = nullptr;
  check_status(cudaMallocHost(&data, bytes), "host memory for copies");
  data_ = static_cast<std::byte*>(data);
}
PinnedMemory::~PinnedMemory() { cudaFreeHost(data_); }

struct Event::State {
  cudaEvent_t handle{};
};
Event::Event() : state_(std::make_unique<State>()) {
  check_status(cudaEventCreateWithFlags(&state_->handle, cudaEventDisableTiming), "an event");
}
Event::~Event() { cudaEventDestroy(state_->handle); }
void Event::record(const Stream& stream) {
  check_status(cudaEventRecord(state_->handle, stream.handle), "an event");
}
void Event::make_wait(const Stream& stream) const {
  check_status(cudaStreamWaitEvent(stream.handle, state_->handle, 0), "an event");
}
void Event::wait() const { check_status(cudaEventSynchronize(state_->handle), "a kernel or copy"); }

namespace {

class CudaGraph final : public CapturedCalls {
 public:
  explicit CudaGraph(cudaGraph_t graph) {
    check_status(cudaGraphInstantiate(&handle_, graph, 0), "making a graph of the captured calls");
  }
  ~CudaGraph() override { cudaGraphExecDestroy(handle_); }
  CudaGraph(const CudaGraph&) = delete;
  CudaGraph& operator=(const CudaGraph&) = delete;

  void replay(const Stream& stream) override {
    check_status(cudaGraphLaunch(handle_, stream.handle), "the launch of a graph");
  }

 private:
  cudaGraphExec_t handle_ = nullptr;
};

}  // namespace

// Relaxed: the backend itself sees to it that nothing is done in there that a graph can't do, and memory that is mapped meanwhile is no
// part of the stream's order.
void begin_capture(const Stream& stream) {
  check_status(cudaStreamBeginCapture(stream.handle, cudaStreamCaptureModeRelaxed), "the begin of a capture");
}

std::unique_ptr<CapturedCalls> end_capture(const Stream& stream) {
  cudaGraph_t graph = nullptr;
  check_status(cudaStreamEndCapture(stream.handle, &graph), "the end of a capture");
  const std::unique_ptr<std::remove_pointer_t<cudaGraph_t>, cudaError_t (*)(cudaGraph_t)> owner(
      graph, cudaGraphDestroy);
  return std::make_unique<CudaGraph>(graph);
}

void copy_to_device(const Stream& stream, const std::byte* pinned, void* target, size_t bytes) {
  check_status(cudaMemcpyAsync(target, pinned, bytes, cudaMemcpyHostToDevice, stream.handle), "a copy");
}
void copy_to_host(const Stream& stream, const void* source, std::byte* pinned, size_t bytes) {
  check_status(cudaMemcpyAsync(pinned, source, bytes, cudaMemcpyDeviceToHost, stream.handle), "a copy");
}

}  // namespace gradus::cuda
