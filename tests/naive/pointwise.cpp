// Addition, activation functions, dropout.
#include <numbers>

#include "tests/naive_backend.h"
#include "tests/reference.h"

namespace gradus {
namespace reference {
namespace {

constexpr double pi = std::numbers::pi;
constexpr double fast_gelu_slope = 1.702;

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }
double normal_pdf(double x) { return std::exp(-0.5 * x * x) / std::sqrt(2 * pi); }

// The argument of the tanh in gelu_tanh, and its derivative.
double gelu_tanh_inner(double x) { return std::sqrt(2 / pi) * (x + 0.044715 * x * x * x); }
double gelu_tanh_inner_slope(double x) { return std::sqrt(2 / pi) * (1 + 3 * 0.044715 * x * x); }

}  // namespace

double activation(double x, Activation kind) {
  switch (kind) {
    case Activation::none:
      return x;
    case Activation::gelu:
      return x * normal_cdf(x);
    case Activation::gelu_tanh:
      return 0.5 * x * (1 + std::tanh(gelu_tanh_inner(x)));
    case Activation::fast_gelu:
      return x * sigmoid(fast_gelu_slope * x);
    case Activation::relu:
      return x > 0 ? x : 0;
    case Activation::tanh:
      return std::tanh(x);
  }
  fail("[activation] unknown kind {}", static_cast<int>(kind));
}

double activation_slope(double x, Activation kind) {
  switch (kind) {
    case Activation::none:
      return 1;
    case Activation::gelu:
      return normal_cdf(x) + x * normal_pdf(x);
    case Activation::gelu_tanh: {
      const double t = std::tanh(gelu_tanh_inner(x));
      return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * gelu_tanh_inner_slope(x);
    }
    case Activation::fast_gelu: {
      const double s = sigmoid(fast_gelu_slope * x);
      return s + x * fast_gelu_slope * s * (1 - s);
    }
    case Activation::relu:
      return x > 0 ? 1 : 0;
    case Activation::tanh: {
      const double t = std::tanh(x);
      return 1 - t * t;
    }
  }
  fail("[activation] unknown kind {}", static_cast<int>(kind));
}

double dropout_factor(const Dropout& dropout, int64_t row, int64_t column) {
  if (!dropout.active()) return 1;
  const std::vector<int32_t> place = dropout.place ? dropout.place.to_host_int() : std::vector<int32_t>(2);
  const DropoutMask mask = dropout.mask(static_cast<uint32_t>(place[0]), static_cast<uint32_t>(place[1]));
  return mask.keeps(static_cast<uint32_t>(row), static_cast<uint32_t>(column)) ? mask.scale() : 0;
}

Matrix add(const Matrix& a, const Matrix& b) {
  Matrix y(a.rows(), a.columns());
  for (int64_t i = 0; i < y.size(); ++i) y[i] = a[i] + b[i];
  return y;
}

Matrix activation(const Matrix& x, Activation kind) {
  Matrix y(x.rows(), x.columns());
  for (int64_t i = 0; i < y.size(); ++i) y[i] = activation(x[i], kind);
  return y;
}

Matrix dropout(const Matrix& x, const Dropout& mask) {
  Matrix y(x.rows(), x.columns());
  for (int64_t t = 0; t < x.rows(); ++t) {
    for (int64_t h = 0; h < x.columns(); ++h) y(t, h) = x(t, h) * dropout_factor(mask, t, h);
  }
  return y;
}

}  // namespace reference

using reference::load;
using reference::Matrix;
using reference::store;

void NaiveBackend::add_forward(const AddForward& args) {
  store(reference::add(load(args.a), load(args.b)), args.y);
}

void NaiveBackend::add_backward(const AddBackward& args) {
  store(load(args.dy), args.da);
  store(load(args.dy), args.db);
}

void NaiveBackend::activation_forward(const ActivationForward& args) {
  store(reference::activation(load(args.x), args.kind), args.y);
}

void NaiveBackend::activation_backward(const ActivationBackward& args) {
  const Matrix input = load(args.x);
  Matrix gradient = load(args.dy);
  for (int64_t i = 0; i < gradient.size(); ++i)
    gradient[i] *= reference::activation_slope(input[i], args.kind);
  store(gradient, args.dx);
  store(reference::activation(input, args.kind), args.y);
}

void NaiveBackend::dropout_forward(const DropoutForward& args) {
  store(reference::dropout(load(args.x), args.dropout), args.y);
}

void NaiveBackend::dropout_backward(const DropoutBackward& args) {
  store(reference::dropout(load(args.dy), args.dropout), args.dx);  // linear in x: the same factors
}

}  // namespace gradus
