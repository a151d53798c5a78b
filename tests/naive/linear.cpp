// The linear map y = f(x w^T + b).
#include "tests/naive_backend.h"
#include "tests/reference.h"

namespace gradus {
namespace reference {

Matrix linear(const Matrix& x, const Matrix& w, const Matrix& b, Activation kind) {
  Matrix y(x.rows(), w.rows());
  for (int64_t t = 0; t < y.rows(); ++t) {
    for (int64_t o = 0; o < y.columns(); ++o) {
      double sum = b ? b[o] : 0;
      for (int64_t i = 0; i < x.columns(); ++i) sum += x(t, i) * w(o, i);
      y(t, o) = activation(sum, kind);
    }
  }
  return y;
}

}  // namespace reference

using reference::load;
using reference::Matrix;
using reference::store;

void NaiveBackend::linear_forward(const Tensor& x, const Tensor& w, const Tensor& b, Activation kind,
                                  const Tensor& y) {
  store(reference::linear(load(x), load(w), load(b), kind), y);
}

void NaiveBackend::linear_backward(const Tensor& dy, const Tensor& x, const Tensor& w, Grad dx, Grad dw,
                                   Grad db) {
  const Matrix input = load(x);
  const Matrix weight = load(w);
  const Matrix slope = load(dy);
  Matrix dinput(input.rows(), input.columns());
  Matrix dweight(weight.rows(), weight.columns());
  Matrix dbias(1, weight.rows());
  for (int64_t t = 0; t < slope.rows(); ++t) {
    for (int64_t o = 0; o < slope.columns(); ++o) {
      dbias[o] += slope(t, o);
      for (int64_t i = 0; i < input.columns(); ++i) {
        dinput(t, i) += slope(t, o) * weight(o, i);
        dweight(o, i) += slope(t, o) * input(t, i);
      }
    }
  }
  store(dinput, dx);
  store(dweight, dw);
  store(dbias, db);
}

}  // namespace gradus
