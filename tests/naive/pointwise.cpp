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
  return dropout.keeps(static_cast<uint32_t>(row), static_cast<uint32_t>(column)) ? dropout.scale() : 0;
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

void NaiveBackend::add_forward(const Tensor& a, const Tensor& b, const Tensor& y) {
  store(reference::add(load(a), load(b)), y);
}

void NaiveBackend::add_backward(const Tensor& dy, Grad da, Grad db) {
  store(load(dy), da);
  store(load(dy), db);
}

void NaiveBackend::activation_forward(const Tensor& x, Activation kind, const Tensor& y) {
  store(reference::activation(load(x), kind), y);
}

void NaiveBackend::activation_backward(const Tensor& dy, const Tensor& x, Activation kind, Grad dx,
                                       const Tensor& y) {
  const Matrix input = load(x);
  Matrix gradient = load(dy);
  for (int64_t i = 0; i < gradient.size(); ++i) gradient[i] *= reference::activation_slope(input[i], kind);
  store(gradient, dx);
  store(reference::activation(input, kind), y);
}

void NaiveBackend::dropout_forward(const Tensor& x, const Dropout& dropout, const Tensor& y) {
  store(reference::dropout(load(x), dropout), y);
}

void NaiveBackend::dropout_backward(const Tensor& dy, const Dropout& dropout, Grad dx) {
  store(reference::dropout(load(dy), dropout), dx);  // linear in x: the same factors
}

}  // namespace gradus
