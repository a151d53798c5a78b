#include "core/shape.h"

#include <limits>

#include "core/error.h"
#include "core/joined.h"

namespace gradus {

Shape::Shape(std::span<const int64_t> dims) : rank_(static_cast<int>(dims.size())) {
  check(dims.size() <= max_rank, "[shape] {} dimensions: at most {} are supported", dims.size(), max_rank);
  for (int i = 0; i < rank_; ++i) {
    check(dims[i] >= 0, "[shape] dimension {} is {}: expected 0 or more", i, dims[i]);
    dims_[i] = dims[i];
  }
}

int64_t Shape::operator[](int axis) const {
  const int index = axis < 0 ? axis + rank_ : axis;
  check(index >= 0 && index < rank_, "[shape] {} has no dimension {}", str(), axis);
  return dims_[index];
}

int64_t Shape::elements() const {
  int64_t n = 1;
  for (int i = 0; i < rank_; ++i) {
    if (__builtin_mul_overflow(n, dims_[i], &n)) return std::numeric_limits<int64_t>::max();
  }
  return n;
}

std::string Shape::str() const {
  return fmt::format("[{}]", joined(std::span(dims_).first(static_cast<size_t>(rank_)), ", "));
}

}  // namespace gradus

fmt::format_context::iterator fmt::formatter<gradus::Shape>::format(const gradus::Shape& shape,
                                                                    fmt::format_context& context) const {
  return fmt::format_to(context.out(), "{}", shape.str());
}
