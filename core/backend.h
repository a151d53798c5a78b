// The backend interface: memory, and every kernel of core/kernels.h.
//
// A backend is a class that implements all of this; a missing kernel is a compile error.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/dtype.h"
#include "core/kernels.h"
#include "core/tensor.h"

namespace gradus {

class Communicator;
class DeviceSums;

struct MemoryUse {
  size_t current = 0;  // bytes in live tensors
  size_t peak = 0;     // the most `current` has been since the last reset_peak
};

// A copy on its way to the host.
class HostCopy {
 public:
  virtual ~HostCopy() = default;
  // The bytes, once everything that was called before the copy has run. They stay until this object goes.
  virtual std::span<const std::byte> wait() = 0;
  // The same as elements of the tensor's type.
  template <typename T>
  std::span<const T> wait_for() {
    const std::span<const std::byte> bytes = wait();
    return {reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T)};
  }
};

// Kernel calls that a backend has captured.
class KernelGraph {
 public:
  virtual ~KernelGraph() = default;
  // Has all of them run again, in their order, after what was called before: with the arguments they had, on what the memory
  // that these name holds by then.
  virtual void replay() = 0;
};

class Backend {
 public:
  virtual ~Backend() = default;

  virtual std::string name() const = 0;         // as in --device_target: "CPU"
  virtual std::string description() const = 0;  // processor, instruction set, library versions, threads
  // Why this machine can't compute in `dtype`; empty when it can.
  virtual std::string unsupported(DType dtype) const = 0;
  // How many threads compute; 0: one per processor. Returns how many the system gives, which may be fewer.
  virtual int set_threads(int threads) = 0;
  // Devices that this process sees, which have the numbers from 0 on.
  virtual int64_t devices() const { return 1; }
  // Which of several devices computes; to be chosen before anything is allocated. Throws Error when there is none of that number.
  virtual void set_device(int64_t number);
  // Whether products of float32 may round their operands to TF32, of 10 bits of mantissa; at first they may not. Throws Error when they
  // may and the backend has no such products.
  virtual void allow_tf32(bool allowed);

  // How many rows a batch of `rows` is filled up to. Where code or plans are made for each number of rows, coarser numbers
  // need fewer of them, and finer ones compute less that nobody reads. Called from any thread.
  virtual int64_t padded_rows(int64_t rows) const { return rows; }
  // The same for the length of a batch's longest sequence (Packing::longest).
  virtual int64_t padded_length(int64_t length) const { return length; }

  // --- memory ------------------------------------------------------------------------------------
  // Throws Error when there is not enough. Alignment is 64 bytes or more. Fresh memory is not cleared.
  virtual void* allocate(size_t bytes) = 0;
  // The same with every byte zero, which costs nothing where the memory comes clear from the system.
  virtual void* allocate_zeroed(size_t bytes) = 0;
  virtual void deallocate(void* data, size_t bytes) noexcept = 0;
  virtual MemoryUse memory() const = 0;
  virtual void reset_peak() = 0;
  // Bytes of a device's own memory that no tensor and no other program has; none where tensors lie in the machine's.
  virtual std::optional<size_t> free_memory() const { return std::nullopt; }
  // Has consumed its source when it returns.
  virtual void copy_from_host(const void* source, const Tensor& target) = 0;
  // Waits until all kernels called so far have run.
  virtual void copy_to_host(const Tensor& source, void* target) = 0;
  // Begins such a copy and comes back; what waits is HostCopy::wait. A backend that computes at once copies at once.
  virtual std::unique_ptr<HostCopy> begin_copy_to_host(const Tensor& source);

  // --- several processes ---------------------------------------------------------------------------
  // What sums tensors of this backend over processes, one device each; null where tensors lie in the machine's memory, so that
  // the processes sum them themselves. Called by all of them. Throws Error where what it takes is missing.
  virtual std::unique_ptr<DeviceSums> sums_over(Communicator& processes);

  // --- graphs ------------------------------------------------------------------------------------
  // Whether it captures kernel calls: a device then runs them again with one call of the host. The other two throw Error where not.
  virtual bool captures() const { return false; }
  // Calls `work`, whose kernels run as always, but with memory that graphs take theirs from: a capture of the same calls then needs
  // no more, and finds everything made that is made once. What is still held afterwards has to be copied out before a graph is
  // replayed. Throws Error when `work` lets go of memory that was taken before it.
  virtual void warm_up(const std::function<void()>& work);
  // Calls `work`, whose kernels are kept instead of run. Memory that is taken in there and let go is shared with other graphs, so that
  // the peak is that of the largest; what is still held is the graph's as long as it is held. It has to be copied out, though,
  // before another graph is replayed. Throws Error as warm_up does, and when `work` copies from or to the host.
  virtual std::unique_ptr<KernelGraph> capture(const std::function<void()>& work);

  // --- kernels -----------------------------------------------------------------------------------
  // They run in the order of their calls; none of them waits for the host or makes it wait.
  GRADUS_KERNELS(GRADUS_DECLARE_KERNEL)
};

// A backend this program knows, as --device_target and error texts have it.
struct BackendName {
  std::string name;
  std::vector<std::string> aliases;  // what it is called elsewhere
};
std::vector<BackendName> backend_names();
// The names of the modules that were built and run here; of several under one name the first is the one it stands for.
std::vector<std::string> usable_modules();
// Loads the backend of that name, or of that module. It is a module of its own beside the core library, so that one build runs
// on machines with and without a GPU. Throws Error naming what is missing.
Backend& find_backend(std::string_view name);

}  // namespace gradus
