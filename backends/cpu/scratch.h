// Working memory of a kernel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

namespace gradus::cpu {

// A buffer that a kernel keeps from call to call as a thread_local: it grows when it must and never shrinks, so
// that after the largest call nothing is allocated.
class Scratch {
 public:
  // `count` floats, 64-byte aligned, uninitialised; they replace those of the call before.
  float* floats(int64_t count) {
    if (count > capacity_) {
      buffer_.reset();
      capacity_ = 0;
      buffer_.reset(
          static_cast<float*>(::operator new(static_cast<size_t>(count) * sizeof(float), alignment)));
      capacity_ = count;
    }
    return buffer_.get();
  }

 private:
  static constexpr std::align_val_t alignment{64};
  struct Delete {
    void operator()(float* data) const { ::operator delete(data, alignment); }
  };
  std::unique_ptr<float, Delete> buffer_;
  int64_t capacity_ = 0;
};

}  // namespace gradus::cpu
