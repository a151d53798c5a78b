#include "tests/deferred_backend.h"

#include <cstring>
#include <utility>
#include <vector>

namespace gradus {

// What was captured. Memory that is let go meanwhile is kept as long: it is written to again with every replay.
class DeferredBackend::Graph final : public KernelGraph {
 public:
  explicit Graph(DeferredBackend& backend) : backend_(backend) {}
  ~Graph() override {
    for (auto& [data, bytes] : let_go_) backend_.deallocate(data, bytes);
  }
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  void replay() override {
    ++backend_.replayed_;
    for (const auto& work : calls_) backend_.call(work);
  }
  void add(std::function<void()> work) { calls_.push_back(std::move(work)); }
  void let_go(void* data, size_t bytes) { let_go_.emplace_back(data, bytes); }

 private:
  DeferredBackend& backend_;
  std::vector<std::function<void()>> calls_;
  std::vector<std::pair<void*, size_t>> let_go_;
};

void DeferredBackend::check_may_copy() const {
  check(graph_ == nullptr, "[deferred] a copy from or to the host within work that a graph is made of");
}

void DeferredBackend::warm_up(const std::function<void()>& work) { work(); }

std::unique_ptr<KernelGraph> DeferredBackend::capture(const std::function<void()>& work) {
  auto graph = std::make_unique<Graph>(*this);
  graph_ = graph.get();
  try {
    work();
  } catch (...) {
    graph_ = nullptr;
    throw;
  }
  graph_ = nullptr;
  ++captured_;
  return graph;
}

void DeferredBackend::call(std::function<void()> work) {
  if (running_) return work();
  if (graph_ != nullptr) return graph_->add(std::move(work));
  queue_.push_back(std::move(work));
  ++calls_;
}

void DeferredBackend::run(size_t count) {
  running_ = true;
  for (; count > 0; --count) {
    queue_.front()();
    // What the call held goes while others run: memory is given back in the order of the calls.
    queue_.pop_front();
    ++done_;
  }
  running_ = false;
}

void DeferredBackend::wait_for(int64_t count) {
  if (running_ || done_ >= count) return;
  ++waits_;
  if (count == calls_) ++idle_waits_;
  run(static_cast<size_t>(count - done_));
}

void* DeferredBackend::allocate(size_t bytes) {
  void* const data = base_.allocate(bytes);
  if (bytes > 0) std::memset(data, 0xff, bytes);  // whoever reads memory that nobody wrote to reads NaN
  return data;
}

void* DeferredBackend::allocate_zeroed(size_t bytes) { return base_.allocate_zeroed(bytes); }

// In the order of the calls, as on a device: kernels that were called before may still need it.
void DeferredBackend::deallocate(void* data, size_t bytes) noexcept {
  if (graph_ != nullptr && !running_) return graph_->let_go(data, bytes);
  call([this, data, bytes] { base_.deallocate(data, bytes); });
}

void DeferredBackend::copy_from_host(const void* source, const Tensor& target) {
  check_may_copy();
  const auto* const begin = static_cast<const std::byte*>(source);
  call([this, target, staged = std::vector(begin, begin + target.bytes())] {
    base_.copy_from_host(staged.data(), target);
  });
}

void DeferredBackend::copy_to_host(const Tensor& source, void* target) {
  check_may_copy();
  wait_for(calls_);
  base_.copy_to_host(source, target);
}

class DeferredBackend::Copy final : public HostCopy {
 public:
  Copy(DeferredBackend& backend, const Tensor& source)
      : backend_(backend), bytes_(std::make_shared<std::vector<std::byte>>(source.bytes())) {
    backend.call(
        [&base = backend.base_, source, bytes = bytes_] { base.copy_to_host(source, bytes->data()); });
    number_ = backend.calls_;
  }
  std::span<const std::byte> wait() override {
    backend_.wait_for(number_);
    return *bytes_;
  }

 private:
  DeferredBackend& backend_;
  std::shared_ptr<std::vector<std::byte>> bytes_;
  int64_t number_ = 0;
};

std::unique_ptr<HostCopy> DeferredBackend::begin_copy_to_host(const Tensor& source) {
  check_may_copy();
  return std::make_unique<Copy>(*this, source);
}

}  // namespace gradus
