// What benchmarks compute with: memory that nobody wrote to is one page of zeros, read from the cache.
#pragma once

#include <algorithm>
#include <vector>

#include "core/backend.h"
#include "core/random.h"
#include "core/tensor.h"

namespace gradus {

// Random numbers from -0.5 to 0.5, a million of them again and again, which are drawn in no time.
inline Tensor random_tensor(Backend& backend, const Shape& shape, DType dtype, RandomSequence& random) {
  std::vector<float> numbers(static_cast<size_t>(shape.elements()));
  const size_t drawn = std::min(numbers.size(), size_t{1} << 20);
  for (size_t i = 0; i < drawn; ++i) numbers[i] = random.uniform() - 0.5F;
  for (size_t i = drawn; i < numbers.size(); ++i) numbers[i] = numbers[i - drawn];
  Tensor tensor = Tensor::empty(backend, shape, dtype);
  backend.cast({Tensor::from(backend, shape, numbers), {tensor}});
  return tensor;
}

}  // namespace gradus
