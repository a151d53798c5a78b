// The extents of a tensor: up to four dimensions, row-major.
#pragma once

#include <fmt/core.h>

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace gradus {

class Shape {
 public:
  static constexpr int max_rank = 4;

  Shape() = default;  // rank 0: one element
  // Throws Error when there are more than four dimensions or one is negative.
  Shape(std::initializer_list<int64_t> dims) : Shape(std::span<const int64_t>(dims.begin(), dims.size())) {}
  explicit Shape(std::span<const int64_t> dims);

  int rank() const { return rank_; }
  // Extent of dimension `axis`; a negative axis counts from the end. Throws Error when there is no such axis.
  int64_t operator[](int axis) const;
  int64_t last() const { return (*this)[-1]; }
  // The product of the dimensions; the largest int64_t when it is larger.
  int64_t elements() const;
  // Number of rows when all but the last dimension are folded into one: the T of [T, H].
  int64_t rows() const { return rank_ == 0 ? 1 : elements() / (last() == 0 ? 1 : last()); }
  std::string str() const;  // "[32, 128, 768]"

  friend bool operator==(const Shape&, const Shape&) = default;

 private:
  std::array<int64_t, max_rank> dims_{};
  int rank_ = 0;
};

}  // namespace gradus

template <>
struct fmt::formatter<gradus::Shape> {
  constexpr const char* parse(fmt::format_parse_context& context) { return context.begin(); }
  fmt::format_context::iterator format(const gradus::Shape& shape, fmt::format_context& context) const;
};
