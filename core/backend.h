// The backend interface: memory, and every kernel of core/kernels.h.
//
// A backend is a class that implements all of this; a missing kernel is a compile error.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/dtype.h"
#include "core/kernels.h"
#include "core/tensor.h"

namespace gradus {

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

class Backend {
 public:
  virtual ~Backend() = default;

  virtual std::string name() const = 0;         // as in --device_target: "CPU"
  virtual std::string description() const = 0;  // processor, instruction set, library versions, threads
  // Why this machine can't compute in `dtype`; empty when it can.
  virtual std::string unsupported(DType dtype) const = 0;
  // How many threads compute; 0: one per processor. Returns how many the system gives, which may be fewer.
  virtual int set_threads(int threads) = 0;
  // Which of several devices computes; to be chosen before anything is allocated. Throws Error when there is none of that number.
  virtual void set_device(int64_t number);

  // How many rows a batch of `rows` is filled up to. Where code or plans are made for each number of rows, coarser numbers
  // need fewer of them, and finer ones compute less that nobody reads. Called from any thread.
  virtual int64_t padded_rows(int64_t rows) const { return rows; }

  // --- memory ------------------------------------------------------------------------------------
  // Throws Error when there is not enough. Alignment is 64 bytes or more. Fresh memory is not cleared.
  virtual void* allocate(size_t bytes) = 0;
  // The same with every byte zero, which costs nothing where the memory comes clear from the system.
  virtual void* allocate_zeroed(size_t bytes) = 0;
  virtual void deallocate(void* data, size_t bytes) noexcept = 0;
  virtual MemoryUse memory() const = 0;
  virtual void reset_peak() = 0;
  // Has consumed its source when it returns.
  virtual void copy_from_host(const void* source, const Tensor& target) = 0;
  // Waits until all kernels called so far have run.
  virtual void copy_to_host(const Tensor& source, void* target) = 0;
  // Begins such a copy and comes back; what waits is HostCopy::wait. A backend that computes at once copies at once.
  virtual std::unique_ptr<HostCopy> begin_copy_to_host(const Tensor& source);

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
