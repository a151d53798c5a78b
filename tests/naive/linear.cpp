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

void NaiveBackend::linear_forward(const LinearForward& args) {
  store(reference::linear(load(args.x), load(args.w), load(args.b), args.kind), args.y);
}

void NaiveBackend::linear_backward(const LinearBackward& args) {
  const Matrix input = load(args.x);
  const Matrix weight = load(args.w);
  const Matrix slope = load(args.dy);
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
  store(dinput, args.dx);
  store(dweight, args.dw);
  store(dbias, args.db);
}

}  // namespace gradus
