#include "autograd/ops.h"
#include "autograd/ops/check.h"

namespace gradus {
namespace {

void check_relative(const Tensor& table, int64_t head_size) {
  check_rank("attention", "the table of relative positions", table, 2);
  check(table.shape()[0] % 2 == 1 && table.shape()[1] == head_size,
        "[attention] the table of relative positions has shape {}: expected [2 K + 1, {}]", table.shape(),
        head_size);
  check_dtype("attention", "the table of relative positions", table, DType::float32);
}

}  // namespace

Variable attention(const Variable& qkv, const Packing& packing, int64_t heads, const Dropout& mask,
                   const Variable& relative) {
  check_rank("attention", "qkv", qkv.value(), 2);
  const int64_t rows = qkv.shape()[0];
  const int64_t hidden = qkv.shape()[1] / 3;
  check(heads > 0 && qkv.shape()[1] % 3 == 0 && hidden % heads == 0,
        "[attention] qkv has {} columns: expected three times a multiple of {} heads", qkv.shape()[1], heads);
  check_packing("attention", packing, rows);
  if (relative) check_relative(relative.value(), hidden / heads);
  auto& be = qkv.backend();
  const bool recorded = RecordingScope::current() != RecordingScope::Mode::evaluate;
  Tensor context = Tensor::empty(be, {rows, hidden}, qkv.dtype());
  Tensor lse = recorded ? Tensor::empty(be, {rows, heads}) : Tensor();
  be.attention_forward({.qkv = qkv.value(),
                        .packing = packing,
                        .heads = heads,
                        .dropout = mask,
                        .relative = relative.value(),
                        .context = context,
                        .lse = lse});
  return record("attention", context, {qkv, relative},
                [&be, qkv = qkv.value(), relative = relative.value(), packing, heads, mask, context, lse](
                    const Tensor& dy, Grads& d) {
                  be.attention_backward({.dcontext = dy,
                                         .qkv = qkv,
                                         .context = context,
                                         .lse = lse,
                                         .packing = packing,
                                         .heads = heads,
                                         .dropout = mask,
                                         .relative = relative,
                                         .dqkv = d[0],
                                         .drelative = d[1]});
                });
}

}  // namespace gradus
