#include "autograd/ops.h"
#include "autograd/ops/check.h"

namespace gradus {

Variable embedding(const std::vector<EmbeddingTable>& tables, DType dtype) {
  check(!tables.empty(), "[embedding] no tables");
  auto& be = tables[0].table.backend();
  const int64_t rows = tables[0].ids.elements();
  const int64_t hidden = tables[0].table.shape().last();
  std::vector<Lookup> lookups;
  std::vector<Variable> inputs;
  std::vector<Tensor> ids;
  for (const EmbeddingTable& entry : tables) {
    check_rank("embedding", "a table", entry.table.value(), 2);
    check(entry.table.shape()[1] == hidden, "[embedding] tables of width {} and {}", hidden,
          entry.table.shape()[1]);
    check_dtype("embedding", "the ids", entry.ids, DType::int32);
    check_shape("embedding", "the ids", entry.ids, {rows});
    lookups.push_back({entry.table.value_as(dtype), entry.ids});
    inputs.push_back(entry.table);
    ids.push_back(entry.ids);
  }
  Tensor y = Tensor::empty(be, {rows, hidden}, dtype);
  be.embedding_forward({lookups, y});
  return record("embedding", y, inputs, [&be, ids](const Tensor& dy, Grads& d) {
    for (size_t i = 0; i < ids.size(); ++i) {
      const Grad table = d[i];
      if (!table) continue;
      if (!table.accumulate) table.tensor.fill_zero();
      be.embedding_backward({dy, ids[i], table.tensor});
    }
  });
}

Variable gather_rows(const Variable& x, const Tensor& rows) {
  check_rank("gather_rows", "the input", x.value(), 2);
  check_rank("gather_rows", "the row list", rows, 1);
  check_dtype("gather_rows", "the row list", rows, DType::int32);
  auto& be = x.backend();
  Tensor y = Tensor::empty(be, {rows.elements(), x.shape()[1]}, x.dtype());
  be.gather_rows_forward({x.value(), rows, y});
  return record("gather_rows", y, {x}, [&be, rows](const Tensor& dy, Grads& d) {
    be.gather_rows_backward({dy, rows, d[0]});
  });
}

}  // namespace gradus
