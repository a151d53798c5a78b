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

void NaiveBackend::embedding_forward(const EmbeddingForward& args) {
  std::vector<Matrix> tables;
  std::vector<std::vector<int32_t>> ids;
  for (const Lookup& lookup : args.lookups) {
    tables.push_back(load(lookup.table));
    ids.push_back(lookup.ids.to_host_int());
  }
  store(reference::embedding(tables, ids), args.y);
}

void NaiveBackend::embedding_backward(const EmbeddingBackward& args) {
  Matrix sums = load(args.dtable);
  add_to_rows(load(args.dy), args.ids.to_host_int(), sums);
  store(sums, args.dtable);
}

void NaiveBackend::gather_rows_forward(const GatherRowsForward& args) {
  store(reference::gather_rows(load(args.x), args.rows.to_host_int()), args.y);
}

void NaiveBackend::gather_rows_backward(const GatherRowsBackward& args) {
  if (!args.dx) return;
  Matrix gradient(args.dx.tensor.rows(), args.dx.tensor.shape().last());
  add_to_rows(load(args.dy), args.rows.to_host_int(), gradient);
  store(gradient, args.dx);
}

}  // namespace gradus
