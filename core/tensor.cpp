#include "core/tensor.h"

#include <cstring>
#include <utility>

#include "core/backend.h"

namespace gradus {

struct Tensor::Storage {
  Backend* backend;
  void* data;
  size_t bytes;
  std::shared_ptr<void> owner;  // set when the memory belongs to somebody else

  Storage(Backend* backend, void* data, size_t bytes, std::shared_ptr<void> owner)
      : backend(backend), data(data), bytes(bytes), owner(std::move(owner)) {}
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;
  ~Storage() {
    if (!owner) backend->deallocate(data, bytes);
  }
};

thread_local constinit std::vector<Tensor>* Tensor::copies_watched = nullptr;

Tensor Tensor::over(Backend& backend, const Shape& shape, DType dtype, void* data,
                    std::shared_ptr<void> owner) {
  Tensor t;
  t.shape_ = shape;
  t.dtype_ = dtype;
  t.storage_ = std::make_shared<Storage>(&backend, data, t.bytes(), std::move(owner));
  return t;
}

Tensor Tensor::empty(Backend& backend, const Shape& shape, DType dtype) {
  const size_t bytes = static_cast<size_t>(shape.elements()) * size_of(dtype);
  return over(backend, shape, dtype, backend.allocate(bytes), nullptr);
}

Tensor Tensor::zeros(Backend& backend, const Shape& shape, DType dtype) {
  const size_t bytes = static_cast<size_t>(shape.elements()) * size_of(dtype);
  return over(backend, shape, dtype, backend.allocate_zeroed(bytes), nullptr);
}

Tensor Tensor::from(Backend& backend, const Shape& shape, std::span<const float> values) {
  Tensor t = empty(backend, shape, DType::float32);
  t.copy_from_host(values);
  return t;
}

Tensor Tensor::from(Backend& backend, const Shape& shape, std::span<const int32_t> values) {
  Tensor t = empty(backend, shape, DType::int32);
  check(static_cast<int64_t>(values.size()) == t.elements(), "[tensor] {} values for shape {}", values.size(),
        shape);
  backend.copy_from_host(values.data(), t);
  return t;
}

Backend& Tensor::backend() const {
  check(storage_ != nullptr, "[tensor] an empty tensor has no backend");
  return *storage_->backend;
}

Tensor::Memory Tensor::memory() const {
  return storage_ ? Memory{storage_->data, storage_->bytes} : Memory();
}

void Tensor::tell_of_copy() const {
  std::vector<Tensor>* const watched = std::exchange(copies_watched, nullptr);  // this copy is none of theirs
  if (storage_) watched->push_back(*this);
  copies_watched = watched;
}

void* Tensor::raw() const { return storage_ ? static_cast<char*>(storage_->data) + offset_ : nullptr; }

void Tensor::check_dtype(DType wanted) const {
  check(storage_ == nullptr || wanted == dtype_, "[tensor] {} holds {}: read as {}", shape_, name_of(dtype_),
        name_of(wanted));
}

Tensor Tensor::reshape(const Shape& shape) const {
  check(shape.elements() == elements(), "[reshape] {} has {} elements, {} has {}", shape_, elements(), shape,
        shape.elements());
  Tensor t = *this;
  t.shape_ = shape;
  return t;
}

Tensor Tensor::slice(int64_t begin, int64_t end) const {
  check(0 <= begin && begin <= end && end <= shape_[0], "[slice] rows [{}, {}) of {}", begin, end, shape_);
  std::array<int64_t, Shape::max_rank> dims{end - begin};
  int64_t row = 1;
  for (int i = 1; i < shape_.rank(); ++i) row *= dims[i] = shape_[i];
  return view(begin * row, Shape(std::span<const int64_t>(dims.data(), static_cast<size_t>(shape_.rank()))));
}

Tensor Tensor::view(int64_t offset, const Shape& shape) const {
  check(offset >= 0 && offset + shape.elements() <= elements(), "[view] {} elements from {} on: {} has {}",
        shape.elements(), offset, shape_, elements());
  Tensor t = *this;
  t.shape_ = shape;
  t.offset_ += static_cast<size_t>(offset) * size_of(dtype_);
  return t;
}

Tensor Tensor::within_bytes(size_t offset, const Shape& shape, DType dtype) const {
  check_dtype(DType::uint8);
  Tensor t = *this;
  t.shape_ = shape;
  t.dtype_ = dtype;
  t.offset_ += offset;
  check(offset + t.bytes() <= bytes() && offset % size_of(dtype) == 0,
        "[tensor] {} of {} from byte {} on: the tensor has {} bytes", shape, name_of(dtype), offset, bytes());
  return t;
}

std::vector<float> Tensor::to_host() const {
  std::vector<float> values(static_cast<size_t>(elements()));
  const auto widen = [&](auto type) {
    std::vector<decltype(type)> raw(values.size());
    backend().copy_to_host(*this, raw.data());
    for (size_t i = 0; i < raw.size(); ++i) values[i] = static_cast<float>(raw[i]);
  };
  if (dtype_ == DType::bfloat16) {
    widen(bfloat16());
  } else if (dtype_ == DType::float16) {
    widen(float16());
  } else {
    check_dtype(DType::float32);
    backend().copy_to_host(*this, values.data());
  }
  return values;
}

std::vector<int32_t> Tensor::to_host_int() const {
  check_dtype(DType::int32);
  std::vector<int32_t> values(static_cast<size_t>(elements()));
  backend().copy_to_host(*this, values.data());
  return values;
}

float Tensor::item() const {
  check(elements() == 1, "[item] {} has {} elements: expected one", shape_, elements());
  check_dtype(DType::float32);
  float value = 0;
  backend().copy_to_host(*this, &value);
  return value;
}

int64_t Tensor::count_nonfinite() const {
  const Tensor count = empty(backend(), {1}, DType::int32);
  backend().count_nonfinite({*this, count});
  return count.to_host_int()[0];
}

void Tensor::copy_from_host(std::span<const float> values) const {
  check_dtype(DType::float32);
  check(static_cast<int64_t>(values.size()) == elements(), "[tensor] {} values for shape {}", values.size(),
        shape_);
  backend().copy_from_host(values.data(), *this);
}

void Tensor::fill_zero() const { backend().fill_zero({*this}); }

}  // namespace gradus
