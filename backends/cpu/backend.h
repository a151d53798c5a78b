// The CPU backend: oneDNN for products, plain loops for the rest.
//
// The whole backend is compiled once per instruction set (baseline, avx2, avx512) into a module of its own,
// and core/backend.cpp loads the best one the processor runs. So kernels are ordinary loops that the compiler
// vectorizes, and no kernel needs a dispatch of its own.
#pragma once

#include <memory>

#include "backends/cpu/few_rows.h"
#include "backends/cpu/simd.h"
#include "core/arena.h"
#include "core/backend.h"

namespace gradus::cpu {

class Gemm;

class CpuBackend final : public Backend {
 public:
  CpuBackend();
  ~CpuBackend() override;
  CpuBackend(const CpuBackend&) = delete;
  CpuBackend& operator=(const CpuBackend&) = delete;
  std::string name() const override;
  std::string description() const override;
  std::string unsupported(DType dtype) const override;
  int set_threads(int threads) override;
  // A multiple of 16, for long batches of 32: oneDNN generates about 1 MiB of code for each number of rows. What it is not asked for
  // needs no more rows than there are.
  int64_t padded_rows(int64_t rows) const override {
    if (rows <= most_few_rows) return round_up(rows, row_tile);
    return round_up(rows, rows <= 512 ? 16 : 32);
  }

  // memory
  void* allocate(size_t bytes) override;
  void* allocate_zeroed(size_t bytes) override;
  void deallocate(void* data, size_t bytes) noexcept override;
  MemoryUse memory() const override;
  void reset_peak() override;
  void copy_from_host(const void* source, const Tensor& target) override;
  void copy_to_host(const Tensor& source, void* target) override;

  GRADUS_KERNELS(GRADUS_OVERRIDE_KERNEL)

 private:
  Arena arena_{host_memory()};
  std::unique_ptr<Gemm> gemm_;
};

}  // namespace gradus::cpu
