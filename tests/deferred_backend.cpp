#include "tests/deferred_backend.h"

#include <cstring>
#include <vector>

namespace gradus {

void DeferredBackend::call(std::function<void()> work) {
  if (running_) return work();
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
  call([this, data, bytes] { base_.deallocate(data, bytes); });
}

void DeferredBackend::copy_from_host(const void* source, const Tensor& target) {
  const auto* const begin = static_cast<const std::byte*>(source);
  call([this, target, staged = std::vector(begin, begin + target.bytes())] {
    base_.copy_from_host(staged.data(), target);
  });
}

void DeferredBackend::copy_to_host(const Tensor& source, void* target) {
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
  return std::make_unique<Copy>(*this, source);
}

}  // namespace gradus
