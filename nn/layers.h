// The layers that models are made of: parameters, and what is done with them.
#pragma once

#include <string>
#include <utility>
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
  // A map by parameters that belong to others.
  Linear(Parameter weight, Parameter bias) : weight(std::move(weight)), bias(std::move(bias)) {}

  // x [T, in] -> [T, out].
  Variable operator()(const Variable& x) const { return apply(x, weight, bias); }
  // The map of f(x), of which the backward pass finds x alone.
  Variable of_activated(const Variable& x, Activation kind) const {
    return activation_linear(x, kind, weight, bias);
  }
  // f of the map; evaluated, f is part of the product.
  Variable activated(const Context& context, const Variable& x, Activation kind) const {
    if (context.training) return activation((*this)(x), kind);
    if (weight.quantized()) return quantized_linear(x, weight.quantized(), bias, kind);
    return linear_activation(x, weight, bias, kind);
  }

  // The map's outputs as scores: their cross entropy, for which they are held once, and evaluated, the scores themselves in
  // float32 whatever x is in.
  Variable cross_entropy(const Variable& x, const Tensor& labels) const {
    return linear_cross_entropy(x, weight, bias, labels);
  }
  Variable scores(const Variable& x) const {
    return linear_activation(x, weight, bias, Activation::none, DType::float32);
  }

  // x weight^T + bias, for whoever has a bias of another making.
  static Variable apply(const Variable& x, const Parameter& weight, const Variable& bias) {
    if (weight.quantized()) return quantized_linear(x, weight.quantized(), bias, Activation::none);
    return linear(x, weight, bias);
  }
};

// A table of vectors, [rows, size], with BERT's initial values.
struct Embedding {
  Parameter weight;
  // The parameter has `padded_rows` rows where that is more.
  Embedding(const Scope& scope, int64_t rows, int64_t size, float deviation, int64_t padded_rows = 0);
};

}  // namespace gradus
