#include "autograd/ops.h"
#include "autograd/ops/check.h"

namespace gradus {
namespace {

void check_layer_norm(std::string_view op, const Variable& x, const Variable& gamma, const Variable& beta) {
  check_rank(op, "the input", x.value(), 2);
  check_shape(op, "gamma", gamma.value(), {x.shape()[1]});
  check_shape(op, "beta", beta.value(), {x.shape()[1]});
}

}  // namespace

Variable layer_norm(const Variable& x, const Variable& gamma, const Variable& beta, float eps) {
  check_layer_norm("layer_norm", x, gamma, beta);
  auto& be = x.backend();
  Tensor y = Tensor::empty(be, x.shape(), x.dtype());
  Tensor mean = Tensor::empty(be, {x.shape()[0]});
  Tensor rstd = Tensor::empty(be, {x.shape()[0]});
  be.layer_norm_forward({.x = x.value(),
                         .gamma = gamma.value(),
                         .beta = beta.value(),
                         .eps = eps,
                         .y = y,
                         .mean = mean,
                         .rstd = rstd});
  return record("layer_norm", y, {x, gamma, beta},
                [&be, x = x.value(), gamma = gamma.value(), mean, rstd](const Tensor& dy, Grads& d) {
                  be.layer_norm_backward({.dy = dy,
                                          .sum = x,
                                          .gamma = gamma,
                                          .mean = mean,
                                          .rstd = rstd,
                                          .dropout = Dropout(),
                                          .dx = d[0],
                                          .dgamma = d[1],
                                          .dbeta = d[2]});
                });
}

Variable dropout_add_layer_norm(const Variable& x, const Variable& residual, const Dropout& mask,
                                const Variable& gamma, const Variable& beta, float eps) {
  check_layer_norm("dropout_add_layer_norm", x, gamma, beta);
  check_shape("dropout_add_layer_norm", "the residual", residual.value(), x.shape());
  check_dtype("dropout_add_layer_norm", "the residual", residual.value(), x.dtype());
  auto& be = x.backend();
  Tensor sum = Tensor::empty(be, x.shape(), x.dtype());
  Tensor y = Tensor::empty(be, x.shape(), x.dtype());
  Tensor mean = Tensor::empty(be, {x.shape()[0]});
  Tensor rstd = Tensor::empty(be, {x.shape()[0]});
  be.layer_norm_forward({.x = x.value(),
                         .residual = residual.value(),
                         .dropout = mask,
                         .gamma = gamma.value(),
                         .beta = beta.value(),
                         .eps = eps,
                         .sum = sum,
                         .y = y,
                         .mean = mean,
                         .rstd = rstd});
  return record("dropout_add_layer_norm", y, {x, residual, gamma, beta},
                [&be, sum, gamma = gamma.value(), mean, rstd, mask](const Tensor& dy, Grads& d) {
                  be.layer_norm_backward({.dy = dy,
                                          .sum = sum,
                                          .gamma = gamma,
                                          .mean = mean,
                                          .rstd = rstd,
                                          .dropout = mask,
                                          .dx = d[0],
                                          .dresidual = d[1],
                                          .dgamma = d[2],
                                          .dbeta = d[3]});
                });
}

}  // namespace gradus
