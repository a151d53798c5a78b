// The naive backend: every kernel by the plainest loops, in double, one thread, memory from malloc.
//
// It is the reference that the other backends are compared with, the proof that a backend plugs in, and the
// place to read what a kernel computes. A kernel loads its tensors as matrices of doubles, computes, and
// stores, which rounds once to the tensors' type. The kernels are in tests/naive/, a family a file.
#pragma once

#include "core/backend.h"

namespace gradus {

class NaiveBackend : public Backend {
 public:
  std::string name() const override;
  std::string description() const override;
  std::string unsupported(DType dtype) const override;
  int set_threads(int) override { return 1; }

  // memory
  void* allocate(size_t bytes) override;
  void* allocate_zeroed(size_t bytes) override;
  void deallocate(void* data, size_t bytes) noexcept override;
  MemoryUse memory() const override { return use_; }
  void reset_peak() override { use_.peak = use_.current; }
  void copy_from_host(const void* source, const Tensor& target) override;
  void copy_to_host(const Tensor& source, void* target) override;

  GRADUS_KERNELS(GRADUS_OVERRIDE_KERNEL)

 private:
  MemoryUse use_;
};

// The one instance; it lives until the program ends, as loaded backends do.
NaiveBackend& naive_backend();

}  // namespace gradus
