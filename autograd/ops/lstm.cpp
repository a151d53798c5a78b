#include "autograd/ops.h"
#include "autograd/ops/check.h"

namespace gradus {

Variable lstm(const Variable& gates_x, const Variable& w_hh, const Packing& packing) {
  check_rank("lstm", "the input product", gates_x.value(), 2);
  check_rank("lstm", "the recurrent weight", w_hh.value(), 2);
  check_dtype("lstm", "the input product", gates_x.value(), DType::float32);
  const int64_t rows = gates_x.shape()[0];
  const int64_t units = w_hh.shape()[1];
  const int64_t directions = units > 0 ? w_hh.shape()[0] / (4 * units) : 0;
  check((directions == 1 || directions == 2) && w_hh.shape()[0] == directions * 4 * units,
        "[lstm] the recurrent weight has shape {}: expected [4 h, h] or [8 h, h]", w_hh.shape());
  check(gates_x.shape()[1] == directions * 4 * units,
        "[lstm] the input product has shape {}: expected {} columns", gates_x.shape(),
        directions * 4 * units);
  check_packing("lstm", packing, rows);
  auto& be = gates_x.backend();
  Tensor y = Tensor::empty(be, {rows, directions * units});
  Tensor cells = Tensor::empty(be, {rows, directions * units});
  Tensor gates = Tensor::empty(be, gates_x.shape());
  be.lstm_forward({gates_x.value(), w_hh.value(), packing, y, cells, gates});
  return record("lstm", y, {gates_x, w_hh},
                [&be, y, cells, gates, w_hh = w_hh.value(), packing](const Tensor& dy, Grads& d) {
                  const Grad dgates = d[0];
                  const Tensor target =
                      dgates && !dgates.accumulate ? dgates.tensor : Tensor::empty(be, gates.shape());
                  be.lstm_backward({dy, y, cells, gates, w_hh, packing, target, d[1]});
                  if (dgates.accumulate) be.add_backward({target, dgates});
                });
}

}  // namespace gradus
