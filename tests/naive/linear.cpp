// The linear map y = f(x w^T + b).
#include <algorithm>
#include <cmath>

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

Matrix quantized_linear(const Matrix& x, const Matrix& w, const Matrix& b, Activation kind) {
  Matrix rounded_w = w, rounded_x = x;
  for (int64_t o = 0; o < w.rows(); ++o) {
    double largest = 0;
    for (int64_t i = 0; i < w.columns(); ++i) {
      if (!(std::abs(w(o, i)) <= largest)) largest = std::abs(w(o, i));  // no number is larger than any
    }
    const double scale = largest / 127;
    for (int64_t i = 0; i < w.columns(); ++i)
      rounded_w(o, i) = scale == 0 ? 0 : std::nearbyint(w(o, i) / scale) * scale;
  }
  for (int64_t t = 0; t < x.rows(); ++t) {
    double low = x(t, 0), high = low;
    for (int64_t i = 0; i < x.columns(); ++i) {
      low = std::min(low, x(t, i));
      high = std::max(high, x(t, i));
    }
    const double step = (high - low) / 255;
    for (int64_t i = 0; i < x.columns(); ++i)
      rounded_x(t, i) = step > 0 ? low + std::floor((x(t, i) - low) / step + 0.5) * step : low;
  }
  return linear(rounded_x, rounded_w, b, kind);
}

}  // namespace reference

using reference::load;
using reference::Matrix;
using reference::store;

void NaiveBackend::linear_forward(const LinearForward& args) {
  store(reference::linear(load(args.x), load(args.w), load(args.b), args.kind), args.y);
}

void NaiveBackend::quantized_linear(const QuantizedLinear& args) {
  Matrix w(args.w.values.shape()[0], args.w.values.shape()[1]);
  std::vector<int8_t> steps(static_cast<size_t>(w.size()));
  copy_to_host(args.w.values, steps.data());
  const Matrix scales = load(args.w.scales);
  for (int64_t i = 0; i < w.size(); ++i) w[i] = steps[static_cast<size_t>(i)] * scales[i / w.columns()];
  store(reference::quantized_linear(load(args.x), w, load(args.b), args.kind), args.y);
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
