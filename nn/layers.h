// The layers that models are made of: parameters, and what is done with them.
#pragma once

#include <string>
#include <vector>

#include "autograd/ops.h"
#include "nn/context.h"
#include "nn/parameters.h"

namespace gradus {

// gamma and beta of a layer norm over H numbers.
struct LayerNorm {
  Parameter weight, bias;
  float eps;

  LayerNorm(const Scope& scope, int64_t size, float eps);
  Variable operator()(const Variable& x) const { return layer_norm(x, weight, bias, eps); }
  // Of dropout(x) + residual.
  Variable operator()(const Variable& x, const Variable& residual, const Dropout& mask) const {
    return dropout_add_layer_norm(x, residual, mask, weight, bias, eps);
  }
};

// Weight [out, in] and bias [out] of a linear map. All products with weights are asked for here.
struct Linear {
  Parameter weight, bias;

  // A part of an encoder, with BERT's initial values: a normal distribution cut off at two deviations, and zero.
  Linear(const Scope& scope, int64_t in, int64_t out, float deviation);
  // Several such maps of the same input side by side, [n out, in], each under its own name.
  Linear(const Scope& scope, const std::vector<std::string>& names, int64_t in, int64_t out, float deviation);
  // A head: both drawn from `init`.
  Linear(const Scope& scope, int64_t in, int64_t out, Init init);

  // x [T, in] -> [T, out].
  Variable operator()(const Variable& x) const { return apply(x, weight, bias); }
  // The map of f(x), of which the backward pass finds x alone.
  Variable of_activated(const Variable& x, Activation kind) const {
    return activation_linear(x, kind, weight, bias);
  }
  // f of the map; evaluated, f is part of the product.
  Variable activated(const Context& context, const Variable& x, Activation kind) const {
    return context.training ? activation((*this)(x), kind) : linear_activation(x, weight, bias, kind);
  }

  // x weight^T + bias, for whoever has a bias of another making.
  static Variable apply(const Variable& x, const Parameter& weight, const Variable& bias) {
    return linear(x, weight, bias);
  }
};

// A table of vectors, [rows, size], with BERT's initial values.
struct Embedding {
  Parameter weight;
  Embedding(const Scope& scope, int64_t rows, int64_t size, float deviation);
};

}  // namespace gradus
