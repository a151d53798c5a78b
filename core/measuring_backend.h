// A backend that computes nothing and counts memory: running a step on it tells what the step needs.
#pragma once

#include <algorithm>
#include <string>

#include "core/backend.h"

namespace gradus {

// Its tensors have addresses that nobody may read or write.
class MeasuringBackend final : public Backend {
 public:
  std::string name() const override { return "measuring"; }
  std::string description() const override { return "computes nothing, counts memory"; }
  std::string unsupported(DType) const override { return ""; }
  int set_threads(int) override { return 1; }

  void* allocate(size_t bytes) override {
    use_.current += bytes;
    use_.peak = std::max(use_.peak, use_.current);
    return this;
  }
  void* allocate_zeroed(size_t bytes) override { return allocate(bytes); }
  void deallocate(void*, size_t bytes) noexcept override { use_.current -= bytes; }
  MemoryUse memory() const override { return use_; }
  void reset_peak() override { use_.peak = use_.current; }

  void copy_from_host(const void*, const Tensor&) override {}
  void copy_to_host(const Tensor&, void*) override {}
  GRADUS_KERNELS(GRADUS_OMIT_KERNEL)

 private:
  MemoryUse use_;
};

}  // namespace gradus
