// Matrices of doubles on the host: what the reference formulas and the naive kernels compute with.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "core/backend.h"
#include "core/tensor.h"

namespace gradus::reference {

// A row-major matrix that starts as zeros. A tensor of another rank is folded to [rows, last dimension], so a
// vector is one row. An empty one stands for an empty tensor.
class Matrix {
 public:
  Matrix() = default;
  Matrix(int64_t rows, int64_t columns)
      : rows_(rows), columns_(columns), values_(static_cast<size_t>(rows * columns)) {}

  explicit operator bool() const { return !values_.empty(); }
  int64_t rows() const { return rows_; }
  int64_t columns() const { return columns_; }
  int64_t size() const { return rows_ * columns_; }

  double& operator()(int64_t row, int64_t column) {
    return values_[static_cast<size_t>(row * columns_ + column)];
  }
  double operator()(int64_t row, int64_t column) const {
    return values_[static_cast<size_t>(row * columns_ + column)];
  }
  // Element i of the flattened matrix.
  double& operator[](int64_t i) { return values_[static_cast<size_t>(i)]; }
  double operator[](int64_t i) const { return values_[static_cast<size_t>(i)]; }

  auto begin() const { return values_.begin(); }
  auto end() const { return values_.end(); }

 private:
  int64_t rows_ = 0;
  int64_t columns_ = 0;
  std::vector<double> values_;
};

// The values of a float tensor of any backend.
Matrix load(const Tensor& x);
// Rounds the values to the tensor's type. An empty tensor takes nothing.
void store(const Matrix& values, const Tensor& target);
// As `store`, or adds to what is there where the gradient says so.
void store(const Matrix& values, const Grad& target);

// Rows [begin, end) of a packed tensor.
struct Sequence {
  int64_t begin = 0;
  int64_t end = 0;
};
using Sequences = std::vector<Sequence>;

Sequences sequences_of(const Packing& packing);

// log(sum over i < n of exp(term(i))), without overflow.
template <typename Term>
double log_sum_exp(int64_t n, Term&& term) {
  double largest = -INFINITY;
  for (int64_t i = 0; i < n; ++i) largest = std::fmax(largest, term(i));
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += std::exp(term(i) - largest);
  return largest + std::log(sum);
}

}  // namespace gradus::reference
