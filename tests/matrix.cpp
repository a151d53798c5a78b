#include "tests/matrix.h"

namespace gradus::reference {

Matrix load(const Tensor& x) {
  if (!x) return {};
  const std::vector<float> host = x.to_host();
  const int64_t columns = x.shape().rank() == 0 ? 1 : x.shape().last();
  Matrix matrix(x.rows(), columns);
  for (int64_t i = 0; i < matrix.size(); ++i) matrix[i] = host[static_cast<size_t>(i)];
  return matrix;
}

void store(const Matrix& values, const Tensor& target) {
  if (!target) return;
  check(values.size() == target.elements(), "[store] {} values for shape {}", values.size(), target.shape());
  const auto store_as = [&](auto tag) {
    std::vector<decltype(tag)> host;
    host.reserve(static_cast<size_t>(values.size()));
    for (const double value : values) host.emplace_back(static_cast<float>(value));
    target.backend().copy_from_host(host.data(), target);
  };
  if (target.dtype() == DType::float16) store_as(float16());
  else dispatch_float(target.dtype(), "store", store_as);
}

void store(const Matrix& values, const Grad& target) {
  if (!target) return;
  Matrix total = values;
  if (target.accumulate) {
    const Matrix before = load(target.tensor);
    for (int64_t i = 0; i < total.size(); ++i) total[i] += before[i];
  }
  store(total, target.tensor);
}

Sequences sequences_of(const Packing& packing) {
  const std::vector<int32_t> offsets = packing.offsets.to_host_int();
  Sequences sequences;
  for (size_t b = 0; b + 1 < offsets.size(); ++b) sequences.push_back({offsets[b], offsets[b + 1]});
  return sequences;
}

}  // namespace gradus::reference
