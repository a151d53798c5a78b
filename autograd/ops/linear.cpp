#include "autograd/ops.h"
#include "autograd/ops/check.h"

namespace gradus {
namespace {

void check_linear(std::string_view op, const Variable& x, const Variable& w, const Variable& b) {
  check_rank(op, "the input", x.value(), 2);
  check_rank(op, "the weight", w.value(), 2);
  check(w.shape()[1] == x.shape()[1], "[{}] input {} and weight {} differ in their last dimension", op,
        x.shape(), w.shape());
  if (b) check_shape(op, "the bias", b.value(), {w.shape()[0]});
}

}  // namespace

Variable linear(const Variable& x, const Variable& w, const Variable& b) {
  check_linear("linear", x, w, b);
  auto& be = x.backend();
  Tensor weight = w.value_as(x.dtype());
  Tensor y = Tensor::empty(be, {x.shape()[0], w.shape()[0]}, x.dtype());
  be.linear_forward({x.value(), weight, b.value(), Activation::none, y});
  return record("linear", y, {x, w, b}, [&be, x = x.value(), weight](const Tensor& dy, Grads& d) {
    be.linear_backward({dy, x, weight, d[0], d[1], d[2]});
  });
}

Variable linear_activation(const Variable& x, const Variable& w, const Variable& b, Activation kind,
                           std::optional<DType> result) {
  check_linear("linear_activation", x, w, b);
  const DType dtype = result.value_or(x.dtype());
  check(dtype == x.dtype() || dtype == DType::float32, "[linear_activation] a result in {} of an input in {}",
        name_of(dtype), name_of(x.dtype()));
  auto& be = x.backend();
  Tensor y = Tensor::empty(be, {x.shape()[0], w.shape()[0]}, dtype);
  be.linear_forward({x.value(), w.value_as(x.dtype()), b.value(), kind, y});
  return record_constant("linear_activation", y, {x, w, b});
}

Variable quantized_linear(const Variable& x, const QuantizedWeight& w, const Variable& b, Activation kind) {
  constexpr std::string_view op = "quantized_linear";
  constexpr int64_t most_inputs = 65536;  // of which the sum of 255 * 127 each is below 2^31
  check_rank(op, "the input", x.value(), 2);
  check_dtype(op, "the input", x.value(), DType::float32);
  check_rank(op, "the weight", w.values, 2);
  const int64_t outputs = w.values.shape()[0], inputs = w.values.shape()[1];
  check(inputs == x.shape()[1], "[{}] input {} and weight {} differ in their last dimension", op, x.shape(),
        w.values.shape());
  check(inputs > 0 && inputs <= most_inputs, "[{}] {} inputs, expected 1 to {}", op, inputs, most_inputs);
  check_shape(op, "the bias", b.value(), {outputs});
  Tensor y = Tensor::empty(x.backend(), {x.shape()[0], outputs});
  x.backend().quantized_linear({x.value(), w, b.value(), kind, y});
  return record_constant(op, y, {x, b});
}

Variable activation_linear(const Variable& x, Activation kind, const Variable& w, const Variable& b) {
  check_linear("activation_linear", x, w, b);
  auto& be = x.backend();
  Tensor weight = w.value_as(x.dtype());
  Tensor y = Tensor::empty(be, {x.shape()[0], w.shape()[0]}, x.dtype());
  {
    Tensor activated = Tensor::empty(be, x.shape(), x.dtype());
    be.activation_forward({x.value(), kind, activated});
    be.linear_forward({activated, weight, b.value(), Activation::none, y});
  }
  return record("activation_linear", y, {x, w, b},
                [&be, x = x.value(), weight, kind](const Tensor& dy, Grads& d) {
                  const Grad dx = d[0];
                  Tensor activated = Tensor::empty(be, x.shape(), x.dtype());
                  {
                    // Becomes dx in its place, where that is not added to: these are the largest tensors of a network.
                    const bool in_place = dx && !dx.accumulate;
                    Tensor dactivated = in_place ? dx.tensor : Tensor::empty(be, x.shape(), x.dtype());
                    be.linear_backward({dy, x, weight, {dactivated}});
                    be.activation_backward({dactivated, x, kind, dx, activated});
                  }
                  be.linear_backward({dy, activated, weight, {}, d[1], d[2]});
                });
}

Variable linear_cross_entropy(const Variable& x, const Variable& w, const Variable& b, const Tensor& labels) {
  check_linear("linear_cross_entropy", x, w, b);
  check_shape("linear_cross_entropy", "labels", labels, {x.shape()[0]});
  check_dtype("linear_cross_entropy", "labels", labels, DType::int32);
  auto& be = x.backend();
  Tensor weight = w.value_as(x.dtype());
  Tensor logits = Tensor::empty(be, {x.shape()[0], w.shape()[0]}, x.dtype());
  be.linear_forward({x.value(), weight, b.value(), Activation::none, logits});
  Tensor loss = Tensor::empty(be, {1});
  Tensor lse = Tensor::empty(be, {x.shape()[0]});
  be.cross_entropy_forward({logits, labels, {}, loss, lse});
  return record("linear_cross_entropy", loss, {x, w, b},
                [&be, x = x.value(), weight, logits, labels, lse](const Tensor& dy, Grads& d) {
                  be.cross_entropy_backward({dy, logits, labels, {}, lse, {logits}});
                  be.linear_backward({logits, x, weight, d[0], d[1], d[2]});
                });
}

}  // namespace gradus
