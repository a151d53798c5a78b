// Rows picked by number: embedding tables and row lists.
#include "tests/naive_backend.h"
#include "tests/reference.h"

namespace gradus {
namespace reference {

Matrix embedding(const std::vector<Matrix>& tables, const std::vector<std::vector<int32_t>>& ids) {
  Matrix y(static_cast<int64_t>(ids[0].size()), tables[0].columns());
  for (size_t i = 0; i < tables.size(); ++i) {
    for (int64_t t = 0; t < y.rows(); ++t) {
      for (int64_t h = 0; h < y.columns(); ++h) y(t, h) += tables[i](ids[i][static_cast<size_t>(t)], h);
    }
  }
  return y;
}

Matrix gather_rows(const Matrix& x, const std::vector<int32_t>& rows) {
  Matrix y(static_cast<int64_t>(rows.size()), x.columns());
  for (int64_t i = 0; i < y.rows(); ++i) {
    const int32_t row = rows[static_cast<size_t>(i)];
    for (int64_t h = 0; h < y.columns() && row >= 0; ++h) y(i, h) = x(row, h);
  }
  return y;
}

}  // namespace reference

using reference::load;
using reference::Matrix;
using reference::store;

namespace {

// target[rows[i]] += dy[i], in order; a negative row is none.
void add_to_rows(const Matrix& dy, const std::vector<int32_t>& rows, Matrix& target) {
  for (int64_t i = 0; i < dy.rows(); ++i) {
    const int32_t row = rows[static_cast<size_t>(i)];
    for (int64_t h = 0; h < dy.columns() && row >= 0; ++h) target(row, h) += dy(i, h);
  }
}

}  // namespace

void NaiveBackend::embedding_forward(std::span<const Lookup> lookups, const Tensor& y) {
  std::vector<Matrix> tables;
  std::vector<std::vector<int32_t>> ids;
  for (const Lookup& lookup : lookups) {
    tables.push_back(load(lookup.table));
    ids.push_back(lookup.ids.to_host_int());
  }
  store(reference::embedding(tables, ids), y);
}

void NaiveBackend::embedding_backward(const Tensor& dy, const Tensor& ids, const Tensor& dtable) {
  Matrix sums = load(dtable);
  add_to_rows(load(dy), ids.to_host_int(), sums);
  store(sums, dtable);
}

void NaiveBackend::gather_rows_forward(const Tensor& x, const Tensor& rows, const Tensor& y) {
  store(reference::gather_rows(load(x), rows.to_host_int()), y);
}

void NaiveBackend::gather_rows_backward(const Tensor& dy, const Tensor& rows, Grad dx) {
  if (!dx) return;
  Matrix gradient(dx.tensor.rows(), dx.tensor.shape().last());
  add_to_rows(load(dy), rows.to_host_int(), gradient);
  store(gradient, dx);
}

}  // namespace gradus
