#include "autograd/ops.h"
#include "autograd/ops/check.h"

namespace gradus {

Variable attention(const Variable& qkv, const Packing& packing, int64_t heads, const Dropout& mask) {
  check_rank("attention", "qkv", qkv.value(), 2);
  const int64_t rows = qkv.shape()[0];
  const int64_t hidden = qkv.shape()[1] / 3;
  check(heads > 0 && qkv.shape()[1] % 3 == 0 && hidden % heads == 0,
        "[attention] qkv has {} columns: expected three times a multiple of {} heads", qkv.shape()[1], heads);
  check_packing("attention", packing, rows);
  auto& be = qkv.backend();
  const bool recorded = RecordingScope::current() != RecordingScope::Mode::evaluate;
  Tensor context = Tensor::empty(be, {rows, hidden}, qkv.dtype());
  Tensor lse = recorded ? Tensor::empty(be, {rows, heads}) : Tensor();
  be.attention_forward({.qkv = qkv.value(),
                        .packing = packing,
                        .heads = heads,
                        .dropout = mask,
                        .context = context,
                        .lse = lse});
  return record("attention", context, {qkv},
                [&be, qkv = qkv.value(), packing, heads, mask, context, lse](const Tensor& dy, Grads& d) {
                  be.attention_backward({.dcontext = dy,
                                         .qkv = qkv,
                                         .context = context,
                                         .lse = lse,
                                         .packing = packing,
                                         .heads = heads,
                                         .dropout = mask,
                                         .dqkv = d[0]});
                });
}

}  // namespace gradus
