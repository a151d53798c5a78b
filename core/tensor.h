// A tensor: a shape and a type over a shared, contiguous, row-major buffer of some backend.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "core/dtype.h"
#include "core/shape.h"

namespace gradus {

class Backend;

// A value handle: copies share the buffer, which returns to its backend when the last handle goes.
// A default-constructed tensor is empty: it converts to false and has no backend.
class Tensor {
 public:
  Tensor() = default;
  Tensor(const Tensor& other)
      : storage_(other.storage_), offset_(other.offset_), shape_(other.shape_), dtype_(other.dtype_) {
    if (copies_watched != nullptr) tell_of_copy();
  }
  Tensor(Tensor&& other) noexcept = default;
  Tensor& operator=(const Tensor& other) = default;
  Tensor& operator=(Tensor&& other) noexcept = default;
  ~Tensor() = default;

  // Uninitialised memory.
  static Tensor empty(Backend& backend, const Shape& shape, DType dtype = DType::float32);
  static Tensor zeros(Backend& backend, const Shape& shape, DType dtype = DType::float32);
  // A copy of host values on the backend. Throws Error when their number differs from the shape's.
  static Tensor from(Backend& backend, const Shape& shape, std::span<const float> values);
  static Tensor from(Backend& backend, const Shape& shape, std::span<const int32_t> values);
  // A tensor over host memory that `owner` keeps alive; for backends that compute on host memory.
  static Tensor over(Backend& backend, const Shape& shape, DType dtype, void* data,
                     std::shared_ptr<void> owner);

  explicit operator bool() const { return storage_ != nullptr; }
  const Shape& shape() const { return shape_; }
  int64_t elements() const { return shape_.elements(); }
  int64_t rows() const { return shape_.rows(); }
  size_t bytes() const { return static_cast<size_t>(elements()) * size_of(dtype_); }
  DType dtype() const { return dtype_; }
  Backend& backend() const;

  // The elements. Throws Error when T is not the tensor's type.
  template <typename T>
  T* data() const {
    check_dtype(dtype_of<T>());
    return static_cast<T*>(raw());
  }
  void* raw() const;

  // The same elements under another shape of equal size.
  Tensor reshape(const Shape& shape) const;
  // Rows [begin, end) along the first dimension.
  Tensor slice(int64_t begin, int64_t end) const;
  // `count` elements from element `offset` of the flattened tensor on, as `shape`.
  Tensor view(int64_t offset, const Shape& shape) const;

  // Elements of any type that lie in a tensor of bytes, uint8, from byte `offset` on.
  Tensor within_bytes(size_t offset, const Shape& shape, DType dtype) const;

  // Copies to and from the host. from_host throws Error when the sizes differ.
  std::vector<float> to_host() const;  // float32 as is, 16-bit floats widened
  std::vector<int32_t> to_host_int() const;
  float item() const;  // the only element of a float32 tensor
  // How many elements of a float tensor are infinite or not a number; 2^31 - 1 stands for more.
  int64_t count_nonfinite() const;

  // The memory behind the tensor: where it begins, the same for all tensors that share it, and its size in bytes, of which a
  // view shows a part. Null and 0 for an empty one.
  struct Memory {
    const void* begin = nullptr;
    size_t bytes = 0;
  };
  Memory memory() const;

  void copy_from_host(std::span<const float> values) const;
  void fill_zero() const;

 private:
  friend class CopiedTensors;
  struct Storage;
  void check_dtype(DType wanted) const;
  void tell_of_copy() const;

  static thread_local constinit std::vector<Tensor>* copies_watched;

  std::shared_ptr<Storage> storage_;
  size_t offset_ = 0;  // bytes
  Shape shape_;
  DType dtype_ = DType::float32;
};

// The tensors that are copied on this thread while it lives. So it is found out what a function holds that has captured some: by
// a copy of it. Where nobody asks, a copy of a tensor looks at a pointer.
class CopiedTensors {
 public:
  CopiedTensors() { Tensor::copies_watched = &tensors_; }
  ~CopiedTensors() { Tensor::copies_watched = nullptr; }
  CopiedTensors(const CopiedTensors&) = delete;
  CopiedTensors& operator=(const CopiedTensors&) = delete;
  const std::vector<Tensor>& tensors() const { return tensors_; }

 private:
  std::vector<Tensor> tensors_;
};

// Where a backward kernel puts one gradient. An empty tensor means that nobody wants it.
struct Grad {
  Tensor tensor;
  bool accumulate = false;  // add to what is there instead of overwriting it

  explicit operator bool() const { return static_cast<bool>(tensor); }
};

}  // namespace gradus
