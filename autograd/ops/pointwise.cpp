#include "autograd/ops.h"
#include "autograd/ops/check.h"

namespace gradus {

Variable add(const Variable& a, const Variable& b) {
  check_shape("add", "the second term", b.value(), a.shape());
  check_dtype("add", "the second term", b.value(), a.dtype());
  auto& be = a.backend();
  Tensor y = Tensor::empty(be, a.shape(), a.dtype());
  be.add_forward({a.value(), b.value(), y});
  return record("add", y, {a, b}, [&be](const Tensor& dy, Grads& d) { be.add_backward({dy, d[0], d[1]}); });
}

Variable activation(const Variable& x, Activation kind) {
  auto& be = x.backend();
  Tensor y = Tensor::empty(be, x.shape(), x.dtype());
  be.activation_forward({x.value(), kind, y});
  return record("activation", y, {x}, [&be, x = x.value(), kind](const Tensor& dy, Grads& d) {
    be.activation_backward({dy, x, kind, d[0]});
  });
}

Variable dropout(const Variable& x, const Dropout& mask) {
  check(mask.probability >= 0 && mask.probability < 1, "[dropout] probability {}: expected [0, 1)",
        mask.probability);
  if (!mask.active()) return x;
  auto& be = x.backend();
  Tensor y = Tensor::empty(be, x.shape(), x.dtype());
  be.dropout_forward({x.value(), mask, y});
  return record("dropout", y, {x}, [&be, mask](const Tensor& dy, Grads& d) {
    be.dropout_backward({dy, mask, d[0]});
  });
}

Variable cast(const Variable& x, DType dtype) {
  if (x.dtype() == dtype) return x;
  auto& be = x.backend();
  Tensor y = Tensor::empty(be, x.shape(), dtype);
  be.cast({x.value(), {y}});
  return record("cast", y, {x}, [&be](const Tensor& dy, Grads& d) { be.cast({dy, d[0]}); });
}

}  // namespace gradus
