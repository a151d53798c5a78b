// A backend that only queues: it takes every call and runs nothing until the host asks for a result, as a device does that
// works on its own. What comes out has to be the same as on the backend under it. It shows what a machine without a GPU
// hides: results that the host reads too early, and memory that is let go or changed before the kernel that reads it has run.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>

#include "core/backend.h"

namespace gradus {

class DeferredBackend final : public Backend {
 public:
  // `base` computes, and outlives this backend and its tensors. `captures`: whether it takes calls into graphs as well.
  explicit DeferredBackend(Backend& base, bool captures = false) : base_(base), captures_(captures) {}
  ~DeferredBackend() override { run(queue_.size()); }
  DeferredBackend(const DeferredBackend&) = delete;
  DeferredBackend& operator=(const DeferredBackend&) = delete;

  std::string name() const override { return "deferred " + base_.name(); }
  std::string description() const override { return "queues for " + base_.description(); }
  std::string unsupported(DType dtype) const override { return base_.unsupported(dtype); }
  int set_threads(int threads) override { return base_.set_threads(threads); }
  int64_t padded_rows(int64_t rows) const override { return base_.padded_rows(rows); }
  int64_t padded_length(int64_t length) const override { return base_.padded_length(length); }

  void* allocate(size_t bytes) override;
  void* allocate_zeroed(size_t bytes) override;
  void deallocate(void* data, size_t bytes) noexcept override;
  MemoryUse memory() const override { return base_.memory(); }
  void reset_peak() override { base_.reset_peak(); }
  void copy_from_host(const void* source, const Tensor& target) override;
  void copy_to_host(const Tensor& source, void* target) override;
  std::unique_ptr<HostCopy> begin_copy_to_host(const Tensor& source) override;

  bool captures() const override { return captures_; }
  void warm_up(const std::function<void()>& work) override;
  std::unique_ptr<KernelGraph> capture(const std::function<void()>& work) override;

#define GRADUS_QUEUE_KERNEL(function, Arguments)  \
  void function(const Arguments& args) override { \
    call([this, args] { base_.function(args); }); \
  }
  GRADUS_KERNELS(GRADUS_QUEUE_KERNEL)
#undef GRADUS_QUEUE_KERNEL

  // How often the host has waited for something that had not run yet ...
  int64_t waits() const { return waits_; }
  // ... and how often for the latest that it had asked for, so that nothing was left to do meanwhile.
  int64_t idle_waits() const { return idle_waits_; }
  int64_t calls() const { return calls_; }
  // Graphs that were captured, and how often one was replayed.
  int64_t captured() const { return captured_; }
  int64_t replayed() const { return replayed_; }

 private:
  class Copy;
  class Graph;

  void call(std::function<void()> work);
  // Waits until the first `count` calls of all have run.
  void wait_for(int64_t count);
  void run(size_t count);

  // Copies are no part of work that graphs are made of.
  void check_may_copy() const;

  Backend& base_;
  bool captures_;
  Graph* graph_ = nullptr;  // that takes the calls
  int64_t captured_ = 0, replayed_ = 0;
  std::deque<std::function<void()>> queue_;
  bool running_ = false;  // what kernels call while they run is run at once
  int64_t calls_ = 0, done_ = 0, waits_ = 0, idle_waits_ = 0;
};

}  // namespace gradus
