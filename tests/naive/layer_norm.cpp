// Layer normalisation, with the dropout and the residual sum before it.
#include "tests/naive_backend.h"
#include "tests/reference.h"

namespace gradus {
namespace reference {

LayerNorm layer_norm(const Matrix& s, const Matrix& gamma, const Matrix& beta, double eps) {
  const auto width = static_cast<double>(s.columns());
  LayerNorm result{Matrix(s.rows(), s.columns()), Matrix(1, s.rows()), Matrix(1, s.rows())};
  for (int64_t t = 0; t < s.rows(); ++t) {
    double sum = 0;
    for (int64_t h = 0; h < s.columns(); ++h) sum += s(t, h);
    const double mean = sum / width;
    double squares = 0;
    for (int64_t h = 0; h < s.columns(); ++h) squares += (s(t, h) - mean) * (s(t, h) - mean);
    const double rstd = 1 / std::sqrt(squares / width + eps);
    for (int64_t h = 0; h < s.columns(); ++h) result.y(t, h) = (s(t, h) - mean) * rstd * gamma[h] + beta[h];
    result.mean[t] = mean;
    result.rstd[t] = rstd;
  }
  return result;
}

}  // namespace reference

using reference::load;
using reference::Matrix;
using reference::store;

void NaiveBackend::layer_norm_forward(const LayerNormForward& args) {
  Matrix s = reference::dropout(load(args.x), args.dropout);
  if (args.residual) s = reference::add(s, load(args.residual));
  store(s, args.sum);
  const auto result = reference::layer_norm(s, load(args.gamma), load(args.beta), args.eps);
  store(result.y, args.y);
  store(result.mean, args.mean);
  store(result.rstd, args.rstd);
}

// With z = (s - mean) rstd and g = dy gamma:  ds = rstd (g - mean(g) - z mean(g z)), the means over the row.
void NaiveBackend::layer_norm_backward(const LayerNormBackward& args) {
  const Matrix slope = load(args.dy);
  const Matrix s = load(args.sum);
  const Matrix scale = load(args.gamma);
  const Matrix means = load(args.mean);
  const Matrix rstds = load(args.rstd);
  const auto width = static_cast<double>(s.columns());
  Matrix ds(s.rows(), s.columns());
  Matrix dscale(1, s.columns());
  Matrix dshift(1, s.columns());
  for (int64_t t = 0; t < s.rows(); ++t) {
    const auto z = [&](int64_t h) { return (s(t, h) - means[t]) * rstds[t]; };
    double mean_g = 0;
    double mean_gz = 0;
    for (int64_t h = 0; h < s.columns(); ++h) {
      mean_g += slope(t, h) * scale[h] / width;
      mean_gz += slope(t, h) * scale[h] * z(h) / width;
    }
    for (int64_t h = 0; h < s.columns(); ++h) {
      ds(t, h) = rstds[t] * (slope(t, h) * scale[h] - mean_g - z(h) * mean_gz);
      dscale[h] += slope(t, h) * z(h);
      dshift[h] += slope(t, h);
    }
  }
  store(reference::dropout(ds, args.dropout), args.dx);
  store(ds, args.dresidual);
  store(dscale, args.dgamma);
  store(dshift, args.dbeta);
}

}  // namespace gradus
