#include "tests/naive_backend.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "tests/matrix.h"

namespace gradus {

using reference::load;
using reference::Matrix;
using reference::store;

NaiveBackend& naive_backend() {
  static auto& backend = *new NaiveBackend;
  return backend;
}

std::string NaiveBackend::name() const { return "naive"; }

std::string NaiveBackend::description() const { return "naive loops in double, one thread"; }

std::string NaiveBackend::unsupported(DType dtype) const {
  if (dtype == DType::float32 || dtype == DType::bfloat16 || dtype == DType::float16 || dtype == DType::int8)
    return "";
  return fmt::format("the naive backend computes in floats and int8, not in {}", name_of(dtype));
}

void* NaiveBackend::allocate(size_t bytes) {
  constexpr size_t alignment = 64;
  const size_t rounded = std::max(alignment, (bytes + alignment - 1) / alignment * alignment);
  void* data = std::aligned_alloc(alignment, rounded);
  check(data != nullptr, "[memory] out of memory: {} bytes wanted, {} in use", bytes, use_.current);
  std::memset(data, 0xff,
              rounded);  // NaN in every float type: whoever reads memory before writing it is found
  use_.current += bytes;
  use_.peak = std::max(use_.peak, use_.current);
  return data;
}

void* NaiveBackend::allocate_zeroed(size_t bytes) { return std::memset(allocate(bytes), 0, bytes); }

void NaiveBackend::deallocate(void* data, size_t bytes) noexcept {
  use_.current -= bytes;
  std::free(data);
}

void NaiveBackend::copy_from_host(const void* source, const Tensor& target) {
  if (target.bytes() > 0) std::memcpy(target.raw(), source, target.bytes());
}

void NaiveBackend::copy_to_host(const Tensor& source, void* target) {
  if (source.bytes() > 0) std::memcpy(target, source.raw(), source.bytes());
}

void NaiveBackend::fill_zero(const FillZero& args) { std::memset(args.x.raw(), 0, args.x.bytes()); }

void NaiveBackend::cast(const Cast& args) { store(load(args.x), args.y); }

void NaiveBackend::count_nonfinite(const CountNonfinite& args) {
  const Matrix values = load(args.x);
  const auto count =
      std::count_if(values.begin(), values.end(), [](double value) { return !std::isfinite(value); });
  *args.count.data<int32_t>() = static_cast<int32_t>(count);
}

}  // namespace gradus
