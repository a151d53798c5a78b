// The CUDA backend: one device, one stream that kernels and copies go through in the order of their calls. One thread calls it, but for
// padded_rows and padded_length.
//
// Uploads take the compute stream too: they are a few hundred kilobytes a step, and in its order their targets are free and their
// readers later without any event.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backends/cuda/products.h"
#include "backends/cuda/runtime.h"
#include "core/arena.h"
#include "core/backend.h"

namespace gradus::cuda {

// What is on its way between host and device. Sources are copied to pinned memory first, a few pieces of it in turns, so that the caller
// may go on, and has not to wait until the device has read them.
class Transfers {
 public:
  explicit Transfers(const Stream& stream) : stream_(stream) {}
  void upload(const void* source, void* target, size_t bytes);
  void download(const void* source, void* target, size_t bytes);
  std::unique_ptr<HostCopy> begin_download(const void* source, size_t bytes);

 private:
  class Download;
  // Pinned memory, and when the device is done with it.
  struct Piece {
    explicit Piece(size_t bytes) : memory(bytes) {}
    PinnedMemory memory;
    Event done;
  };
  static constexpr size_t piece_bytes = size_t{1} << 20;

  Piece& next_piece();

  const Stream& stream_;
  std::array<std::unique_ptr<Piece>, 4> pieces_;
  size_t next_ = 0;
  std::shared_ptr<std::vector<std::unique_ptr<Piece>>> kept_ =  // for downloads, which may outlast the others
      std::make_shared<std::vector<std::unique_ptr<Piece>>>();
};

class CudaBackend : public Backend {
 public:
  // Asks for nothing yet: the device is opened when it is first used, number 0 unless set_device said another.
  CudaBackend();
  ~CudaBackend() override;
  CudaBackend(const CudaBackend&) = delete;
  CudaBackend& operator=(const CudaBackend&) = delete;

  std::string name() const override { return "CUDA"; }
  std::string description() const override;
  std::string unsupported(DType dtype) const override;
  int set_threads(int) override { return 1; }
  int64_t devices() const override { return device_count(); }
  void set_device(int64_t number) override;
  void allow_tf32(bool allowed) override;
  // Eight numbers between two powers of two: a plan of a product is made for each.
  int64_t padded_rows(int64_t rows) const override;
  // A graph is made for each: whole tiles of attention, and eighths of what is longer than 256.
  int64_t padded_length(int64_t length) const override;

  // memory
  void* allocate(size_t bytes) override;
  void* allocate_zeroed(size_t bytes) override;
  void deallocate(void* data, size_t bytes) noexcept override;
  MemoryUse memory() const override;
  void reset_peak() override;
  std::optional<size_t> free_memory() const override;
  void copy_from_host(const void* source, const Tensor& target) override;
  void copy_to_host(const Tensor& source, void* target) override;
  std::unique_ptr<HostCopy> begin_copy_to_host(const Tensor& source) override;

  std::unique_ptr<DeviceSums> sums_over(Communicator& processes) override;

  // graphs
  bool captures() const override { return true; }
  void warm_up(const std::function<void()>& work) override;
  std::unique_ptr<KernelGraph> capture(const std::function<void()>& work) override;

  GRADUS_KERNELS(GRADUS_OVERRIDE_KERNEL)

 private:
  struct Opened;
  class Graph;
  Opened& opened() const;
  // Calls `work` with the memory of graphs.
  void call_with_graph_memory(const std::function<void()>& work, bool captures);

  int number_ = 0;
  mutable std::unique_ptr<Opened> opened_;
};

}  // namespace gradus::cuda
